namespace Pachyderm.Migration.Steps;

/// <summary>What a conversion does with a record.</summary>
public enum RecordChangeKind
{
    /// <summary>The record stays as it is.</summary>
    Keep,

    /// <summary>The record gets another value.</summary>
    Replace,

    /// <summary>The record goes: the target release does not have it.</summary>
    Drop,

    /// <summary>The record cannot be read and is set aside under another key, unchanged.</summary>
    Quarantine,
}

/// <summary>The outcome of converting one record.</summary>
/// <param name="Kind">What is done.</param>
/// <param name="Value">The new value of a replaced record.</param>
/// <param name="What">One bit per change made to the record, in the order of <see cref="IRecordConversion.ChangeNames"/>.</param>
public readonly record struct RecordChange(RecordChangeKind Kind, ReadOnlyMemory<byte> Value, ulong What)
{
    /// <summary>The record stays as it is.</summary>
    public static RecordChange Keep { get; } = new(RecordChangeKind.Keep, default, 0);

    /// <summary>The record is set aside.</summary>
    public static RecordChange Quarantine { get; } = new(RecordChangeKind.Quarantine, default, 0);

    /// <summary>The record goes.</summary>
    public static RecordChange Drop(ulong what) => new(RecordChangeKind.Drop, default, what);

    /// <summary>The record gets another value.</summary>
    public static RecordChange Replace(ReadOnlyMemory<byte> value, ulong what) => new(RecordChangeKind.Replace, value, what);
}
