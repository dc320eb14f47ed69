using System.Diagnostics;
using Pachyderm.Metadata.Sqlite;
using Pachyderm.ObjectStores.Tests;

namespace Pachyderm.Metadata.Tests;

public sealed class SqliteCrashTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static int Rounds => Environment.GetEnvironmentVariable("PACHYDERM_LONG_TESTS") == "1" ? 150 : 6;

    [Fact]
    public async Task What_was_answered_is_there_after_kill_9_and_no_change_is_there_by_half()
    {
        using TemporaryDirectory directory = new();
        string path = directory["metadata.db"];
        Random random = new(5);
        HashSet<string> answered = new(StringComparer.Ordinal);
        await using (SqliteMetadataStore store = await OpenAsync(path))
        {
            await store.WriteAsync(
                writer =>
                {
                    writer.PutRepo(new RepoRecord("r", DateTimeOffset.UnixEpoch, "", 0, []));
                    writer.PutCommit(new CommitRecord(CrashWriter.Commit, null, DateTimeOffset.UnixEpoch, null, 0, null, []));
                    return 0;
                },
                Token);
        }

        for (int round = 0; round < Rounds; round++)
        {
            answered.UnionWith(await WriteUntilKilledAsync(path, round, random.Next(1, 600)));
            await using SqliteMetadataStore store = await OpenAsync(path);
            Assert.Empty(await store.IntegrityCheckAsync(fix: false, Token));
            await store.ReadAsync(
                reader =>
                {
                    HashSet<string> objects = [.. reader.ListObjects(null, int.MaxValue).Select(found => found.Hash)];
                    Assert.Subset(objects, answered);

                    // Each worker has at most one change that was stored and not answered, or answered and not heard of, since lines are
                    // read to the end.
                    Assert.InRange(objects.Count, answered.Count, answered.Count + (CrashWriter.Workers * (round + 1)));
                    Assert.Equal(objects,
                        reader.ListTags("", null, int.MaxValue).Select(tag => tag.Name).ToHashSet(StringComparer.Ordinal));
                    Assert.Equal(objects,
                        reader.ListChanges(0, int.MaxValue).Select(change => change.Repo).ToHashSet(StringComparer.Ordinal));
                    Assert.Equal((objects.Count, 10L * objects.Count), reader.CountPendingWrites(CrashWriter.Commit));
                    Assert.Equal(objects.Count, reader.LastChange);
                    return 0;
                },
                Token);
        }
    }

    private static async Task<HashSet<string>> WriteUntilKilledAsync(string path, int round, int lines)
    {
        string program = Environment.ProcessPath!;
        ProcessStartInfo start = new(program) { RedirectStandardOutput = true, UseShellExecute = false };
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            start.ArgumentList.Add(typeof(CrashWriter).Assembly.Location);
        }

        start.ArgumentList.Add(CrashWriter.Command);
        start.ArgumentList.Add(path);
        start.ArgumentList.Add($"{round}");
        using Process process = Process.Start(start)!;
        HashSet<string> answered = new(StringComparer.Ordinal);
        while (await process.StandardOutput.ReadLineAsync(Token) is { } line)
        {
            if (line.EndsWith('.'))
            {
                answered.Add(line[..^1]);
            }

            if (answered.Count == lines)
            {
                process.Kill();
            }
        }

        await process.WaitForExitAsync(Token);
        Assert.True(answered.Count >= lines, "the writer ended by itself");
        return answered;
    }

    private static Task<SqliteMetadataStore> OpenAsync(string path) =>
        SqliteMetadataStore.OpenAsync(new SqliteMetadataOptions { Path = path }, Token);
}
