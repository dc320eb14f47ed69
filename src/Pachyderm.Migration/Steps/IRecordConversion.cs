using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Steps;

/// <summary>
/// A prepared conversion of one store from one release to another: a pure function of each record and of what the survey found.
/// Safe for concurrent use. Running it again over the same source gives the same changes.
/// </summary>
public interface IRecordConversion
{
    /// <summary>Names of the changes, for reports, by bit of <see cref="RecordChange.What"/>; at most 64.</summary>
    IReadOnlyList<string> ChangeNames { get; }

    /// <summary>Converts one record of the source.</summary>
    RecordChange Convert(in StoredRecord record);

    /// <summary>
    /// Records that the target release has and the source does not, in the order in which they are to be written.
    /// </summary>
    /// <param name="readSource">Reads the source's records of a range, oldest first; may be called several times.</param>
    /// <param name="cancellationToken">Ends the enumeration.</param>
    IAsyncEnumerable<RecordAddition> AdditionsAsync(
        Func<KeyRange, IAsyncEnumerable<IReadOnlyList<StoredRecord>>> readSource, CancellationToken cancellationToken);

    /// <summary>
    /// Checks a conversion by another way than the one that made it: the new value is read back and compared, field by field,
    /// with the source record. Null if it holds; else what does not.
    /// </summary>
    string? Audit(in StoredRecord before, in RecordChange change);

    /// <summary>Checks that an addition is one that the source calls for. Null if it is; else why not.</summary>
    string? AuditAddition(in RecordAddition addition);
}

/// <summary>A record that a conversion adds.</summary>
/// <param name="Key">Its key.</param>
/// <param name="Value">Its value.</param>
/// <param name="What">What it is, one bit of <see cref="IRecordConversion.ChangeNames"/>.</param>
public readonly record struct RecordAddition(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value, ulong What);
