using System.Buffers;
using System.Buffers.Binary;
using System.IO.Hashing;
using System.Security.Cryptography;
using System.Text;
using SQLitePCL;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>
/// A run of a prepared statement: bind, step, read columns. Parameters count from 1, columns from 0. Disposing makes it ready again.
/// </summary>
internal readonly struct Query(Database database, sqlite3_stmt statement) : IDisposable
{
    private const int StackBytes = 384;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    // A name with half a surrogate pair would come back as another name: it is refused.
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private sqlite3_stmt Statement => statement;

    /// <summary>Binds a number.</summary>
    public Query Bind(int parameter, long value)
    {
        database.Check(raw.sqlite3_bind_int64(statement, parameter, value));
        return this;
    }

    /// <summary>Binds a number or null.</summary>
    public Query BindOptional(int parameter, long? value) => value is { } number ? Bind(parameter, number) : BindNull(parameter);

    /// <summary>Binds text.</summary>
    /// <exception cref="ArgumentException">The text is null or has a lone surrogate.</exception>
    public Query Bind(int parameter, string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return BindText(parameter, text, end: []);
    }

    /// <summary>Binds the name of an object as a store of a format has it.</summary>
    public Query BindHash(int parameter, string hash, int format)
    {
        ArgumentNullException.ThrowIfNull(hash);
        Span<byte> bytes = stackalloc byte[SHA512.HashSizeInBytes];
        return format > 1 && hash.Length == 2 * bytes.Length && !hash.AsSpan().ContainsAnyExcept(HexDigits)
            && Convert.FromHexString(hash, bytes, out _, out _) == OperationStatus.Done
                ? Bind(parameter, bytes)
                : Bind(parameter, hash);
    }

    /// <summary>Binds text or null.</summary>
    public Query BindOptional(int parameter, string? text) => text is null ? BindNull(parameter) : Bind(parameter, text);

    /// <summary>Binds what is behind everything that begins with a prefix: 0xFF occurs nowhere in UTF-8.</summary>
    public Query BindBehind(int parameter, string prefix) => BindText(parameter, prefix, end: [0xff]);

    /// <summary>Binds bytes.</summary>
    public Query Bind(int parameter, ReadOnlySpan<byte> bytes)
    {
        database.Check(
            bytes.IsEmpty ? raw.sqlite3_bind_zeroblob(statement, parameter, 0) : raw.sqlite3_bind_blob(statement, parameter, bytes));
        return this;
    }

    /// <summary>Binds the value of a column, be it text, bytes or a number.</summary>
    public Query BindFrom(int parameter, Query row, int column)
    {
        ReadOnlySpan<byte> bytes = raw.sqlite3_column_blob(row.Statement, column);
        switch (raw.sqlite3_column_type(row.Statement, column))
        {
            case raw.SQLITE_TEXT:
                database.Check(raw.sqlite3_bind_text(statement, parameter, bytes));
                return this;
            case raw.SQLITE_BLOB:
                return Bind(parameter, bytes);
            default:
                return Bind(parameter, row.Int64(column));
        }
    }

    /// <summary>Binds bytes or null.</summary>
    public Query BindOptional(int parameter, ReadOnlyMemory<byte>? bytes) =>
        bytes is { } present ? Bind(parameter, present.Span) : BindNull(parameter);

    /// <summary>Goes to the next row; false behind the last.</summary>
    public bool Step()
    {
        int result = raw.sqlite3_step(statement);
        database.Check(result);
        return result == raw.SQLITE_ROW;
    }

    /// <summary>Runs a statement that yields no rows.</summary>
    public void Run()
    {
        using (this)
        {
            while (Step())
            {
                // A statement such as a pragma may answer; nobody asked.
            }
        }
    }

    /// <summary>Whether a column is null.</summary>
    public bool IsNull(int column) => raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL;

    /// <summary>A number.</summary>
    public long Int64(int column) => raw.sqlite3_column_int64(statement, column);

    /// <summary>Text.</summary>
    public string Text(int column)
    {
        try
        {
            return Utf8.GetString(raw.sqlite3_column_blob(statement, column));
        }
        catch (DecoderFallbackException exception)
        {
            throw SqliteErrors.Damaged(database.Path, "a name in the store is damaged", "it is not UTF-8", exception);
        }
    }

    /// <summary>The name of an object.</summary>
    public string Hash(int column) => raw.sqlite3_column_type(statement, column) == raw.SQLITE_BLOB
        ? Convert.ToHexStringLower(raw.sqlite3_column_blob(statement, column))
        : Text(column);

    /// <summary>Text or null.</summary>
    public string? OptionalText(int column) => IsNull(column) ? null : Text(column);

    /// <summary>Bytes.</summary>
    public byte[] Blob(int column) => raw.sqlite3_column_blob(statement, column).ToArray();

    /// <summary>Bytes or null.</summary>
    public ReadOnlyMemory<byte>? OptionalBlob(int column)
    {
        // Not a conditional expression: there null would become an empty array.
        if (IsNull(column))
        {
            return null;
        }

        return Blob(column);
    }

    /// <summary>Feeds all columns of the row to a hash, each with its type and length, so that no two rows give the same bytes.</summary>
    public void AppendColumns(XxHash128 hash)
    {
        Span<byte> head = stackalloc byte[9];
        for (int column = 0; column < raw.sqlite3_column_count(statement); column++)
        {
            int type = raw.sqlite3_column_type(statement, column);
            ReadOnlySpan<byte> bytes = type is raw.SQLITE_TEXT or raw.SQLITE_BLOB ? raw.sqlite3_column_blob(statement, column) : [];
            head[0] = (byte)type;
            BinaryPrimitives.WriteInt64LittleEndian(head[1..], type == raw.SQLITE_INTEGER ? Int64(column) : bytes.Length);
            hash.Append(head);
            hash.Append(bytes);
        }
    }

    /// <summary>A moment.</summary>
    public DateTimeOffset Time(int column)
    {
        long ticks = Int64(column);
        return ticks >= 0 && ticks <= DateTime.MaxValue.Ticks
            ? new DateTimeOffset(ticks, TimeSpan.Zero)
            : throw SqliteErrors.Damaged(database.Path, "a time in the store is damaged", $"{ticks} ticks");
    }

    /// <summary>A moment or null.</summary>
    public DateTimeOffset? OptionalTime(int column) => IsNull(column) ? null : Time(column);

    /// <inheritdoc/>
    public void Dispose()
    {
        // A failure of the step is repeated here and has been thrown already.
        _ = raw.sqlite3_reset(statement);
    }

    private Query BindText(int parameter, string text, ReadOnlySpan<byte> end)
    {
        int most = Utf8.GetMaxByteCount(text.Length) + end.Length;
        byte[]? rented = null;
        Span<byte> buffer = most <= StackBytes ? stackalloc byte[StackBytes] : (rented = ArrayPool<byte>.Shared.Rent(most));
        try
        {
            int written = Utf8.GetBytes(text, buffer);
            end.CopyTo(buffer[written..]);
            database.Check(raw.sqlite3_bind_text(statement, parameter, buffer[..(written + end.Length)]));
            return this;
        }
        finally
        {
            if (rented is not null)
            {
                ArrayPool<byte>.Shared.Return(rented);
            }
        }
    }

    private Query BindNull(int parameter)
    {
        database.Check(raw.sqlite3_bind_null(statement, parameter));
        return this;
    }
}
