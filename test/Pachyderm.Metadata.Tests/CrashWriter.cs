using Pachyderm.Metadata.Sqlite;

namespace Pachyderm.Metadata.Tests;

/// <summary>A process that writes until it is killed, and says which changes were answered.</summary>
internal static class CrashWriter
{
    public const string Command = "write-until-killed";
    public const int Workers = 6;

    public static CommitKey Commit { get; } = new("r", "1");

    public static async Task<int> RunAsync(string path, string run)
    {
        await using SqliteMetadataStore store = await SqliteMetadataStore.OpenAsync(
            new SqliteMetadataOptions { Path = path }, CancellationToken.None);
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(async () =>
        {
            for (int i = 0; ; i++)
            {
                string name = $"{run}/{worker}/{i}";
                await store.WriteAsync(writer => Write(writer, name), CancellationToken.None);

                // The full stop tells a whole line from one that the kill cut.
                await Console.Out.WriteLineAsync(name + ".");
            }
        })));
        return 0;
    }

    // One of everything, so that half a change would show.
    private static int Write(IMetadataWriter writer, string name)
    {
        writer.PutObject(new ObjectRecord(name, 1, new byte[50], DateTimeOffset.UnixEpoch));
        writer.PutTag(new TagRecord(name, name));
        writer.AddPendingWrite(Commit, new byte[10]);
        writer.AddChange(new Change(0, ChangeKind.BranchMoved, name));
        return 0;
    }
}
