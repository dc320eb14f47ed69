using System.Buffers;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Pachyderm.Formats;
using Pachyderm.Migration.Survey;
using Pachyderm.RecordStores;

namespace Pachyderm.Migration.Steps.V15;

/// <summary>
/// Checks conversions by another way than they were made, whatever they did: that what was dropped may go, that what was kept needs
/// nothing, and that what was replaced is right. Repos, commits and branches are written back as text, which must be what 1.4 wrote.
/// Pipelines and jobs are compared field by field (<see cref="FieldAudit"/>).
/// </summary>
internal sealed class RecordAudit(ClusterInventory inventory, bool saltsExist)
{
    private static readonly Dictionary<RecordKind, ProtoTextFormatter> Formatters = new()
    {
        [RecordKind.Repo] = ProtoTextFormatter.For(Formats.V1_4.RepoInfo.Descriptor),
        [RecordKind.Commit] = ProtoTextFormatter.For(Formats.V1_4.CommitInfo.Descriptor),
        [RecordKind.Branch] = ProtoTextFormatter.For(Formats.V1_4.Commit.Descriptor),
    };

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? s_text;

    [ThreadStatic]
    private static RecordDecoder? s_decoder;

    private readonly ClusterKeys _keys = inventory.Classifier.Keys;
    private readonly HashSet<ByteString> _open = [.. inventory.OpenCommits.Select(commit => commit.Id)];
    private readonly FieldAudit _fields = new(inventory, saltsExist);

    /// <summary>Null if the conversion is right; else what is wrong with it.</summary>
    public string? Check(in StoredRecord before, in RecordChange change)
    {
        try
        {
            return CheckChange(before, change);
        }
        catch (InvalidProtocolBufferException exception)
        {
            return $"it is not a message ({exception.Message})";
        }
    }

    /// <summary>Null if the source calls for this addition; else why not.</summary>
    public string? Check(in RecordAddition addition)
    {
        try
        {
            return CheckAddition(addition);
        }
        catch (InvalidProtocolBufferException exception)
        {
            return $"it is not a message ({exception.Message})";
        }
    }

    private string? CheckChange(in StoredRecord before, in RecordChange change)
    {
        RecordKey key = _keys.Parse(before.Key.Span);
        if (change.Kind == RecordChangeKind.Quarantine)
        {
            return RecordCodec.For(key.Kind) is null ? "a record that needs no reading was set aside" : null;
        }

        bool goes = MustGo(key);
        if (goes != (change.Kind == RecordChangeKind.Drop))
        {
            return goes ? "it should have been dropped" : "it should not have been dropped";
        }

        if (goes)
        {
            return null;
        }

        ReadOnlySpan<byte> after = change.Kind == RecordChangeKind.Replace ? change.Value.Span : before.Value.Span;
        if (Formatters.TryGetValue(key.Kind, out ProtoTextFormatter? formatter))
        {
            return CheckReencoded(formatter, before.Value.Span, after);
        }

        switch (key.Kind)
        {
            case RecordKind.Pipeline or RecordKind.Job:
                RecordEncoding encoding = (s_decoder ??= new RecordDecoder()).Decode(
                    key.Kind, before.Value.Span, out ReadOnlySpan<byte> wire, out _);
                return encoding == RecordEncoding.Text && change.Kind == RecordChangeKind.Keep
                    ? "it is still text"
                    : _fields.Check(key.Kind, wire, after, encoding == RecordEncoding.Text);
            case RecordKind.RepoRefCount:
                return CheckRefCount(key, after);
            default:
                return after.SequenceEqual(before.Value.Span) ? null : "a record that no rule touches was changed";
        }
    }

    private string? CheckAddition(in RecordAddition addition)
    {
        RecordKey key = _keys.Parse(addition.Key.Span);
        ReadOnlySpan<byte> value = addition.Value.Span;
        return key.Kind switch
        {
            RecordKind.OpenCommit => CheckOpenCommit(key, value),
            RecordKind.RepoRefCount =>
                inventory.Repos.GetValueOrDefault(ByteString.CopyFrom(key.Repo)) is { Exists: true, HasRefCount: false }
                ? CheckRefCount(key, value)
                : "it is there already, or there is no such repo",
            RecordKind.JobPipelineIndex or RecordKind.JobInputIndex => CheckEntry(inventory.HasJob(key.Id), key.Id, value),
            RecordKind.CommitProvenanceIndex => CheckEntry(inventory.HasCommit(key.Repo, key.Id), key.Id, value),
            RecordKind.RepoProvenanceIndex => CheckEntry(inventory.RefCounts.ContainsKey(ByteString.CopyFrom(key.Repo)), key.Repo, value),
            _ => "nothing calls for it",
        };
    }

    private string? CheckOpenCommit(in RecordKey key, ReadOnlySpan<byte> value)
    {
        ByteString id = ByteString.CopyFrom(key.Id);
        OpenCommit? commit = inventory.OpenCommits.FirstOrDefault(commit => commit.Id.Equals(id));
        if (commit is null || inventory.OpenCommitEntries.Contains(id))
        {
            return "there is no open commit that lacks it";
        }

        Formats.V1_5.Commit named = Formats.V1_5.Commit.Parser.ParseFrom(value);
        return named.Id.Equals(id) && commit.Repo.Equals(named.Repo?.Name) ? null : "it names another commit";
    }

    private static string? CheckEntry(bool exists, ReadOnlySpan<byte> primaryKey, ReadOnlySpan<byte> value)
    {
        if (!exists)
        {
            return "it leads to a record that does not exist";
        }

        return value.SequenceEqual(primaryKey) ? null : "its value is not the primary key";
    }

    private bool MustGo(in RecordKey key) => key.Kind switch
    {
        RecordKind.PipelineStoppedIndex or RecordKind.JobStoppedIndex or RecordKind.JobInputsIndex => true,
        RecordKind.OpenCommit => !_open.Contains(ByteString.CopyFrom(key.Id)),
        RecordKind.Scratch => inventory.HasCommit(key.Repo, key.Id) && !_open.Contains(ByteString.CopyFrom(key.Id)),
        _ => false,
    };

    private string? CheckRefCount(in RecordKey key, ReadOnlySpan<byte> after)
    {
        if (!inventory.RefCounts.TryGetValue(ByteString.CopyFrom(key.Repo), out long count))
        {
            return null;
        }

        return Encoding.ASCII.GetString(after) == count.ToString(CultureInfo.InvariantCulture) ? null : $"it is not {count}";
    }

    private static string? CheckReencoded(ProtoTextFormatter formatter, ReadOnlySpan<byte> before, ReadOnlySpan<byte> after)
    {
        if (before.SequenceEqual(after))
        {
            // Binary already; text cannot pass for it, since the reading of the migrated store refuses text.
            return null;
        }

        ArrayBufferWriter<byte> text = s_text ??= new ArrayBufferWriter<byte>(4096);
        text.ResetWrittenCount();
        return formatter.TryFormat(after, text) && CompactText.AreEqual(text.WrittenSpan, before)
            ? null
            : "written back as text it is not what was stored";
    }
}
