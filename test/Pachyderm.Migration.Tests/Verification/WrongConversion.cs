using System.Runtime.CompilerServices;
using Google.Protobuf;
using Pachyderm.Formats.V1_5;
using Pachyderm.Migration.Steps;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Tests.Verification;

/// <summary>The real conversion, but for one thing that it does wrong with one key.</summary>
internal sealed class WrongConversion(IRecordConversion inner, byte[] key) : IRecordConversion
{
    /// <summary>Makes another outcome of the right one.</summary>
    public Func<StoredRecord, RecordChange, RecordChange>? Corrupt { get; init; }

    /// <summary>Whether the addition of the key is forgotten.</summary>
    public bool ForgetAddition { get; init; }

    /// <summary>The value that the key is added with, if it is to be another one, or if nothing ought to be added.</summary>
    public byte[]? AddedValue { get; init; }

    public IReadOnlyList<string> ChangeNames => inner.ChangeNames;

    public RecordChange Convert(in StoredRecord record)
    {
        RecordChange change = inner.Convert(record);
        return Corrupt is not null && record.Key.Span.SequenceEqual(key) ? Corrupt(record, change) : change;
    }

    public async IAsyncEnumerable<RecordAddition> AdditionsAsync(
        Func<KeyRange, IAsyncEnumerable<IReadOnlyList<StoredRecord>>> readSource, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        bool found = false;
        await foreach (RecordAddition addition in inner.AdditionsAsync(readSource, cancellationToken))
        {
            bool isMeant = addition.Key.Span.SequenceEqual(key);
            found |= isMeant;
            if (!isMeant || !ForgetAddition)
            {
                yield return isMeant && AddedValue is not null ? addition with { Value = AddedValue } : addition;
            }
        }

        Assert.False(ForgetAddition && !found, "there was nothing to forget");
        if (!found && AddedValue is not null)
        {
            yield return new RecordAddition(key, AddedValue, 0);
        }
    }

    public string? Audit(in StoredRecord before, in RecordChange change) => inner.Audit(before, change);

    public string? AuditAddition(in RecordAddition addition) => inner.AuditAddition(addition);

    public static RecordChange Keep(StoredRecord record, RecordChange right) => RecordChange.Keep;

    public static RecordChange Drop(StoredRecord record, RecordChange right) => RecordChange.Drop(0);

    public static Func<StoredRecord, RecordChange, RecordChange> With(byte[] value) => (_, right) => RecordChange.Replace(value, right.What);

    public static Func<StoredRecord, RecordChange, RecordChange> Pipeline(Action<PipelineInfo> change) => Message(PipelineInfo.Parser, change);

    public static Func<StoredRecord, RecordChange, RecordChange> Job(Action<JobInfo> change) => Message(JobInfo.Parser, change);

    public static Func<StoredRecord, RecordChange, RecordChange> Repo(Action<RepoInfo> change) => Message(RepoInfo.Parser, change);

    public static Func<StoredRecord, RecordChange, RecordChange> Commit(Action<CommitInfo> change) => Message(CommitInfo.Parser, change);

    public static Func<StoredRecord, RecordChange, RecordChange> Head(Action<Commit> change) => Message(Formats.V1_5.Commit.Parser, change);

    private static Func<StoredRecord, RecordChange, RecordChange> Message<T>(MessageParser<T> parser, Action<T> change)
        where T : IMessage<T> => (record, right) =>
        {
            T message = parser.ParseFrom((right.Kind == RecordChangeKind.Replace ? right.Value : record.Value).Span);
            change(message);
            return RecordChange.Replace(message.ToByteArray(), right.What);
        };
}
