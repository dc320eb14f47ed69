using System.Globalization;

namespace Pachyderm.Metadata.Tests;

/// <summary>What the contract says, as plainly as possible: sorted dictionaries, and a copy of everything to go back to.</summary>
internal sealed class ModelStore : IMetadataWriter
{
    private List<RepoRecord> _repos = [];
    private List<CommitRecord> _commits = [];
    private List<CommitKey> _created = [];
    private List<BranchRecord> _branches = [];
    private List<(CommitKey Commit, PendingWrite Write)> _pending = [];
    private List<ObjectRecord> _objects = [];
    private List<TagRecord> _tags = [];
    private List<Change> _changes = [];
    private List<(int Space, byte[] Key, byte[] Value)> _rows = [];
    private long _revision;
    private long _sequence;

    public long LastChange => _changes.Count;

    public long LastPendingWrite => _sequence;

    public ModelStore Copy() => new()
    {
        _repos = [.. _repos],
        _commits = [.. _commits],
        _created = [.. _created],
        _branches = [.. _branches],
        _pending = [.. _pending],
        _objects = [.. _objects],
        _tags = [.. _tags],
        _changes = [.. _changes],
        _rows = [.. _rows],
        _revision = _revision,
        _sequence = _sequence,
    };

    public RepoRecord? FindRepo(string name) => _repos.Find(repo => repo.Name == name);

    public IReadOnlyList<RepoRecord> ListRepos() => [.. _repos.OrderByDescending(repo => repo.Revision)];

    public IReadOnlyList<string> ListReposWithProvenance(string repo) =>
        [.. _repos.Where(other => other.Provenance.Contains(repo)).Select(other => other.Name).Order(StringComparer.Ordinal)];

    public CommitRecord? FindCommit(CommitKey key) => _commits.Find(commit => commit.Key == key);

    public IReadOnlyList<CommitRecord> ListCommits(string repo, long? before, int limit) =>
        [.. _commits.Where(commit => commit.Key.Repo == repo && commit.Revision < (before ?? long.MaxValue))
            .OrderByDescending(commit => commit.Revision).Take(limit)];

    public IReadOnlyList<CommitKey> ListCommitsWithProvenance(string repo, CommitKey provenance) =>
        [.. _created.Where(key => key.Repo == repo && FindCommit(key)!.Provenance.Contains(provenance))];

    public IReadOnlyList<CommitRecord> ListAllCommits(CommitKey? after, int limit) =>
        [.. _commits.Where(commit => after is not { } key || Compare(commit.Key, key) > 0)
            .Order(Comparer<CommitRecord>.Create((a, b) => Compare(a.Key, b.Key))).Take(limit)];

    public BranchRecord? FindBranch(string repo, string name) => _branches.Find(branch => branch.Repo == repo && branch.Name == name);

    public IReadOnlyList<BranchRecord> ListBranches(string repo) =>
        [.. _branches.Where(branch => branch.Repo == repo).OrderByDescending(branch => branch.Revision)];

    public IReadOnlyList<PendingWrite> ListPendingWrites(CommitKey commit, long after, int limit) =>
        [.. _pending.Where(row => row.Commit == commit && row.Write.Sequence > after).Select(row => row.Write).Take(limit)];

    public (long Count, long Bytes) CountPendingWrites(CommitKey commit) =>
        (_pending.Count(row => row.Commit == commit),
         _pending.Where(row => row.Commit == commit).Sum(row => (long)row.Write.Payload.Length));

    public ObjectRecord? FindObject(string hash) => _objects.Find(record => record.Hash == hash);

    public IReadOnlyList<ObjectRecord> ListObjects(string? after, int limit) =>
        [.. _objects.Where(record => after is null || string.CompareOrdinal(record.Hash, after) > 0)
            .OrderBy(record => record.Hash, StringComparer.Ordinal).Take(limit)];

    public TagRecord? FindTag(string name) => _tags.Find(tag => tag.Name == name);

    public IReadOnlyList<TagRecord> ListTags(string prefix, string? after, int limit) =>
        [.. _tags.Where(tag => tag.Name.StartsWith(prefix, StringComparison.Ordinal)
                && (after is null || string.CompareOrdinal(tag.Name, after) > 0))
            .OrderBy(tag => tag.Name, StringComparer.Ordinal).Take(limit)];

    public IReadOnlyList<Change> ListChanges(long after, int limit) => [.. _changes.Where(change => change.Sequence > after).Take(limit)];

    public ReadOnlyMemory<byte>? FindRow(int space, ReadOnlySpan<byte> key)
    {
        byte[] wanted = key.ToArray();
        int index = _rows.FindIndex(row => row.Space == space && row.Key.AsSpan().SequenceEqual(wanted));

        // Not a conditional expression: there null would become an empty array.
        if (index < 0)
        {
            return null;
        }

        return _rows[index].Value;
    }

    public bool HasRow(int space, ReadOnlySpan<byte> key) => FindRow(space, key) is not null;

    public IReadOnlyList<StoredRow> ListRows(int space, ReadOnlySpan<byte> prefix, ReadOnlyMemory<byte>? after, int limit)
    {
        byte[] start = prefix.ToArray();
        return
        [
            .. _rows.Where(row => row.Space == space && row.Key.AsSpan().StartsWith(start))
                .Where(row => after is not { } last || row.Key.AsSpan().SequenceCompareTo(last.Span) > 0)
                .Order(Comparer<(int Space, byte[] Key, byte[] Value)>.Create((a, b) => a.Key.AsSpan().SequenceCompareTo(b.Key)))
                .Take(limit).Select(row => new StoredRow(row.Key, row.Value)),
        ];
    }

    public void PutRow(int space, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        DeleteRow(space, key);
        _rows.Add((space, key.ToArray(), value.ToArray()));
    }

    public void DeleteRow(int space, ReadOnlySpan<byte> key)
    {
        byte[] gone = key.ToArray();
        _rows.RemoveAll(row => row.Space == space && row.Key.AsSpan().SequenceEqual(gone));
    }

    public long TakeRevision() => ++_revision;

    public void PutRepo(RepoRecord repo)
    {
        _repos.RemoveAll(other => other.Name == repo.Name);
        _repos.Add(repo with { Revision = ++_revision });
    }

    public void DeleteRepo(string name)
    {
        _repos.RemoveAll(repo => repo.Name == name);
        _commits.RemoveAll(commit => commit.Key.Repo == name);
        _created.RemoveAll(key => key.Repo == name);
        _branches.RemoveAll(branch => branch.Repo == name);
        _pending.RemoveAll(row => row.Commit.Repo == name);
    }

    public void PutCommit(CommitRecord commit)
    {
        if (_commits.RemoveAll(other => other.Key == commit.Key) == 0)
        {
            _created.Add(commit.Key);
        }

        _commits.Add(commit with { Revision = ++_revision });
    }

    public void SetTree(CommitKey commit, ReadOnlyMemory<byte>? tree)
    {
        int index = _commits.FindIndex(other => other.Key == commit);
        _commits[index] = _commits[index] with { Tree = tree };
    }

    public void DeleteCommit(CommitKey key)
    {
        _commits.RemoveAll(commit => commit.Key == key);
        _created.Remove(key);
        _pending.RemoveAll(row => row.Commit == key);
    }

    public void PutBranch(BranchRecord branch)
    {
        DeleteBranch(branch.Repo, branch.Name);
        _branches.Add(branch with { Revision = ++_revision });
    }

    public void DeleteBranch(string repo, string name) => _branches.RemoveAll(branch => branch.Repo == repo && branch.Name == name);

    public void AddPendingWrite(CommitKey commit, ReadOnlyMemory<byte> payload) =>
        _pending.Add((commit, new PendingWrite(++_sequence, payload)));

    public void DeletePendingWrites(CommitKey commit, long through) =>
        _pending.RemoveAll(row => row.Commit == commit && row.Write.Sequence <= through);

    public void PutObject(ObjectRecord obj)
    {
        DeleteObject(obj.Hash);
        _objects.Add(obj);
    }

    public void DeleteObject(string hash) => _objects.RemoveAll(record => record.Hash == hash);

    public void PutTag(TagRecord tag)
    {
        DeleteTag(tag.Name);
        _tags.Add(tag);
    }

    public void DeleteTag(string name) => _tags.RemoveAll(tag => tag.Name == name);

    public void AddChange(Change change) => _changes.Add(change with { Sequence = _changes.Count + 1 });

    /// <summary>
    /// Everything that a reader tells about a small world of names, as text, for comparison. Numbers that a store may choose freely are
    /// shown by their order only.
    /// </summary>
    public static IEnumerable<string> Describe(IMetadataReader reader, IReadOnlyList<string> names)
    {
        yield return "repos " + string.Join(", ", reader.ListRepos().Select(Show));
        yield return "commits " + string.Join(", ", reader.ListAllCommits(null, 1_000).Select(Show));
        yield return "commits behind " + string.Join(", ", reader.ListAllCommits(new CommitKey(names[1], names[0]), 2).Select(Show));
        yield return "objects " + string.Join(", ", reader.ListObjects(null, 1_000).Select(Show));
        yield return "objects behind " + string.Join(", ", reader.ListObjects(names[1], 1).Select(Show));
        yield return "changes " + string.Join(", ", reader.ListChanges(0, 1_000).Select(change => change with { Sequence = 0 }));
        foreach (string name in names)
        {
            yield return $"{name}: {(reader.FindRepo(name) is { } repo ? Show(repo) : "")} {reader.FindTag(name)}";
            yield return $"{name}: object {(reader.FindObject(name) is { } found ? Show(found) : "")}";
            byte[] row = System.Text.Encoding.UTF8.GetBytes(name);
            yield return $"rows {reader.HasRow(1, row)} {Hex(reader.FindRow(1, row))} " + string.Join(
                ", ", reader.ListRows(1, row, null, 3).Concat(reader.ListRows(2, default, row, 2)).Select(found => Hex(found.Key) + Hex(found.Value)));
            yield return "provenance of " + string.Join(", ", reader.ListReposWithProvenance(name));
            yield return "branches " + string.Join(", ", reader.ListBranches(name).Select(branch => branch with { Revision = 0 }));
            yield return "tags " + string.Join(", ", reader.ListTags(name, null, 1_000)) + string.Join(", ", reader.ListTags("", name, 2));
            IReadOnlyList<CommitRecord> commits = reader.ListCommits(name, null, 1_000);
            yield return "commits " + string.Join(", ", commits.Select(Show));
            yield return "page "
                + (commits.Count > 1 ? string.Join(", ", reader.ListCommits(name, commits[0].Revision, 2).Select(Show)) : "");
            foreach (CommitKey key in names.Select(id => new CommitKey(name, id)))
            {
                yield return $"{key}: {(reader.FindCommit(key) is { } commit ? Show(commit) : "")} {reader.FindBranch(name, key.Id)?.Head}";
                yield return "descendants " + string.Join(", ", names.SelectMany(other => reader.ListCommitsWithProvenance(other, key)));
                IReadOnlyList<PendingWrite> writes = reader.ListPendingWrites(key, 0, 1_000);
                yield return $"pending {reader.CountPendingWrites(key)} " + string.Join(", ", writes.Select(write => Hex(write.Payload)));
                yield return "rest " + (writes.Count > 1 ? Hex(reader.ListPendingWrites(key, writes[0].Sequence, 1)[0].Payload) : "");
            }
        }
    }

    private static int Compare(CommitKey a, CommitKey b) =>
        string.CompareOrdinal(a.Repo, b.Repo) is not 0 and int order ? order : string.CompareOrdinal(a.Id, b.Id);

    private static string Show(RepoRecord repo) => $"{repo.Name} {repo.Created:O} {repo.SizeBytes} {string.Join('+', repo.Provenance)}";

    private static string Show(ObjectRecord record) => $"{record.Hash} {record.SizeBytes} {Hex(record.Content)}";

    private static string Show(CommitRecord commit) => string.Create(
        CultureInfo.InvariantCulture,
        $"{commit.Key} {commit.Parent} {commit.Started:O} {commit.Finished:O} {commit.SizeBytes} {Hex(commit.Tree)} ")
        + string.Join('+', commit.Provenance);

    private static string Hex(ReadOnlyMemory<byte>? bytes) => bytes is { } present ? "x" + Convert.ToHexString(present.Span) : "null";
}
