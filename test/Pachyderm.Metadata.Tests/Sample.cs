using System.Security.Cryptography;
using System.Text;

namespace Pachyderm.Metadata.Tests;

/// <summary>A few records of each kind, without anything for an integrity check to find.</summary>
internal static class Sample
{
    public static IReadOnlyList<string> Names { get; } = ["images", "edges", "1", "2", "master"];

    public static int Write(IMetadataWriter writer)
    {
        DateTimeOffset moment = new DateTimeOffset(2020, 1, 2, 3, 4, 5, TimeSpan.Zero).AddTicks(6_789);
        CommitKey source = new("images", "1");
        writer.PutRepo(new RepoRecord("images", moment, "pictures", 5, []));
        writer.PutRepo(new RepoRecord("edges", moment, "", 0, ["images"]));
        writer.PutCommit(new CommitRecord(source, null, moment, moment.AddSeconds(1), 5, Encoding.UTF8.GetBytes("tree"), []));
        writer.PutCommit(new CommitRecord(new CommitKey("images", "2"), "1", moment, null, 0, null, []));
        writer.PutCommit(new CommitRecord(new CommitKey("edges", "1"), null, moment, null, 0, null, [source]));
        writer.PutBranch(new BranchRecord("images", "master", "2"));
        writer.PutBranch(new BranchRecord("edges", "master", "1"));
        for (int i = 0; i < 40; i++)
        {
            writer.AddPendingWrite(new CommitKey("images", "2"),
                Encoding.UTF8.GetBytes(new string((char)('a' + (i % 26)), i == 20 ? 6_000 : i * 5)));
        }

        writer.PutObject(new ObjectRecord("1", 5, Encoding.UTF8.GetBytes("content"), moment));
        writer.PutTag(new TagRecord("master", "1"));
        string hash = Convert.ToHexStringLower(SHA512.HashData("content"u8));
        writer.PutObject(new ObjectRecord(hash, 7, Encoding.UTF8.GetBytes("content"), moment.AddDays(1)));
        writer.PutTag(new TagRecord("hashed", hash));
        writer.PutRow(1, "images"u8, "value"u8);
        writer.PutRow(2, "images"u8, []);
        writer.AddChange(new Change(0, ChangeKind.RepoCreated, "images"));
        writer.AddChange(new Change(0, ChangeKind.BranchMoved, "images", "2", "master"));
        return 0;
    }
}
