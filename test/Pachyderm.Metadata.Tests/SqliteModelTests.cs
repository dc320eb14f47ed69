using System.Text;
using CsCheck;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores.Tests;

namespace Pachyderm.Metadata.Tests;

/// <summary>Random changes, some of which throw, do the same to the store and to a model of the contract.</summary>
public sealed class SqliteModelTests
{
    private static readonly string[] Names = ["", "a", "ab", "b", "é"];

    private static readonly Gen<string> Name = Gen.Int[0, Names.Length - 1].Select(i => Names[i]);
    private static readonly Gen<CommitKey> Key = Gen.Select(Name, Name, (repo, id) => new CommitKey(repo, id));
    private static readonly Gen<DateTimeOffset> Time =
        Gen.Long[0, DateTime.MaxValue.Ticks].Select(ticks => new DateTimeOffset(ticks, TimeSpan.Zero));
    private static readonly Gen<byte[]> Bytes = Gen.Byte.Array[0, 20];

    private static readonly Gen<Operation> Operations = Gen.OneOf(
        Gen.Select(Name, Time, Gen.Long, Name.Array[0, 3], (name, time, size, provenance) => new Operation(
            $"put repo {name}", writer => writer.PutRepo(new RepoRecord(name, time, "", size, [.. provenance])))),
        Name.Select(name => new Operation($"delete repo {name}", writer => writer.DeleteRepo(name))),
        Gen.Select(Key, Time, Gen.Bool, Bytes, Key.Array[0, 3], (key, time, finished, tree, provenance) => new Operation(
            $"put commit {key}",
            writer => writer.PutCommit(new CommitRecord(
                key, finished ? key.Repo : null, time, finished ? time : null, tree.Length, tree, [.. provenance])))),
        Gen.Select(Key, Bytes, (key, tree) => new Operation(
            $"set tree {key}",
            writer =>
            {
                if (writer.FindCommit(key) is not null)
                {
                    writer.SetTree(key, tree);
                }
            })),
        Key.Select(key => new Operation($"delete commit {key}", writer => writer.DeleteCommit(key))),
        Gen.Select(Key, Name, (key, head) => new Operation(
            $"put branch {key}", writer => writer.PutBranch(new BranchRecord(key.Repo, key.Id, head)))),
        Key.Select(key => new Operation($"delete branch {key}", writer => writer.DeleteBranch(key.Repo, key.Id))),
        Gen.Select(Key, Bytes.Array[1, 4], (key, payloads) => new Operation(
            $"add {payloads.Length} writes to {key}", writer => Array.ForEach(payloads, payload => writer.AddPendingWrite(key, payload)))),
        Gen.Select(Key, Gen.Int[0, 5], (key, count) => new Operation(
            $"delete {count} writes of {key}",
            writer => writer.DeletePendingWrites(key, writer.ListPendingWrites(key, 0, count + 1) is [.., { } last] ? last.Sequence : 0))),
        Gen.Select(Name, Bytes, (hash, content) => new Operation(
            $"put object {hash}", writer => writer.PutObject(new ObjectRecord(hash, content.Length, content, DateTimeOffset.UnixEpoch)))),
        Name.Select(hash => new Operation($"delete object {hash}", writer => writer.DeleteObject(hash))),
        Gen.Select(Name, Name, (name, hash) => new Operation($"put tag {name}", writer => writer.PutTag(new TagRecord(name, hash)))),
        Name.Select(name => new Operation($"delete tag {name}", writer => writer.DeleteTag(name))),
        Gen.Select(Gen.Int[1, 2], Name, Bytes, (space, name, value) => new Operation(
            $"put row {space} {name}", writer => writer.PutRow(space, Encoding.UTF8.GetBytes(name), value))),
        Gen.Select(Gen.Int[1, 2], Name, (space, name) => new Operation(
            $"delete row {space} {name}", writer => writer.DeleteRow(space, Encoding.UTF8.GetBytes(name)))),
        Gen.Select(Key, Gen.Int[1, 7], (key, kind) => new Operation(
            $"change {key}", writer => writer.AddChange(new Change(0, (ChangeKind)kind, key.Repo, key.Id)))),
        Gen.Const(new Operation("throw", _ => throw new ThrownException())));

    [Fact]
    public async Task Random_changes_do_what_the_model_does() => await Operations.Array[1, 6].Array[1, 12].SampleAsync(
        async changes =>
        {
            using TemporaryDirectory directory = new();
            SqliteMetadataOptions options = new() { Path = directory["metadata.db"] };
            ModelStore model = new();
            SqliteMetadataStore store = await SqliteMetadataStore.OpenAsync(options, CancellationToken.None);
            for (int i = 0; i < changes.Length; i++)
            {
                ModelStore attempt = model.Copy();
                if (Run(changes[i], attempt))
                {
                    model = attempt;
                }

                Task<bool> write = store.WriteAsync(
                    writer => Run(changes[i], writer) ? true : throw new ThrownException(),
                    CancellationToken.None);
                await write.ContinueWith(_ => { }, TaskScheduler.Default);
                if (i == changes.Length / 2)
                {
                    await store.DisposeAsync();
                    store = await SqliteMetadataStore.OpenAsync(options, CancellationToken.None);
                }
            }

            string[] expected = [.. ModelStore.Describe(model, Names)];
            string[] read = await store.ReadAsync(reader => ModelStore.Describe(reader, Names).ToArray(), CancellationToken.None);
            string[] own = await store.WriteAsync(writer => ModelStore.Describe(writer, Names).ToArray(), CancellationToken.None);
            IReadOnlyList<MetadataFinding> findings = await store.IntegrityCheckAsync(fix: false, CancellationToken.None);
            await store.DisposeAsync();
            Assert.Equal(expected, read);
            Assert.Equal(expected, own);
            Assert.DoesNotContain(findings, finding =>
                finding.Id is "store-damaged" or "store-schema" or "pending-miscounted" or "sequence-behind" or "provenance-orphan"
                || (finding.Id == "pending-orphan" && !finding.Problem.Contains("does not exist", StringComparison.Ordinal)));
        },
        iter: 60,
        print: changes => string.Join(" | ", changes.Select(change => string.Join(", ", change.Select(operation => operation.Name)))));

    private static bool Run(Operation[] change, IMetadataWriter writer)
    {
        try
        {
            Array.ForEach(change, operation => operation.Run(writer));
            return true;
        }
        catch (ThrownException)
        {
            return false;
        }
    }

    private sealed record Operation(string Name, Action<IMetadataWriter> Run);

    private sealed class ThrownException : Exception;
}
