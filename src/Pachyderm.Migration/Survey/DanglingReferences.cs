using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Survey;

/// <summary>
/// Names the records that refer to commits which do not exist. A second pass, made only if the first has found that there are any.
/// </summary>
internal sealed class DanglingReferences(ClusterInventory inventory)
{
    private readonly RecordDecoder _decoder = new();

    /// <summary>What was found.</summary>
    public FindingList Findings { get; } = new();

    /// <summary>Takes in one record.</summary>
    public void Observe(in StoredRecord record)
    {
        RecordKey key = inventory.Classifier.Keys.Parse(record.Key.Span);
        if (key.Kind is not (RecordKind.Commit or RecordKind.Branch or RecordKind.Job)
            || _decoder.Decode(key.Kind, record.Value.Span, out ReadOnlySpan<byte> wire, out _) == RecordEncoding.Neither)
        {
            return;
        }

        try
        {
            switch (key.Kind)
            {
                case RecordKind.Commit:
                    CommitInfo commit = CommitInfo.Parser.ParseFrom(wire);
                    Check(record, "parent", commit.ParentCommit);
                    foreach (Commit source in commit.Provenance)
                    {
                        Check(record, "provenance", source);
                    }

                    break;
                case RecordKind.Branch:
                    Check(record, "head", Commit.Parser.ParseFrom(wire));
                    break;
                default:
                    Check(record, "output commit", JobInfo.Parser.ParseFrom(wire).OutputCommit);
                    break;
            }
        }
        catch (InvalidProtocolBufferException)
        {
            // The first pass has reported the record.
        }
    }

    private void Check(in StoredRecord record, string what, Commit? commit)
    {
        ReadOnlySpan<byte> repo = commit?.Repo is null ? [] : commit.Repo.Name.Span;
        if (commit is null || commit.Id.IsEmpty || inventory.HasCommit(repo, commit.Id.Span))
        {
            return;
        }

        ReadOnlyMemory<byte> key = record.Key;
        string missing = $"{KeyText.Show(repo)}/{KeyText.Show(commit.Id.Span)}";
        Findings.Add(
            "dangling-commit",
            FindingSeverity.Warning,
            () => (KeyText.Show(key.Span), $"its {what} {missing} does not exist", "it is kept as it is; the commit or its repo was deleted"));
    }
}
