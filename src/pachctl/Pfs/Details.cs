using Pachyderm.Client;
using Pachyderm.Pachctl.Output;
using Pachyderm.Wire.Pfs;
using FileInfo = Pachyderm.Wire.Pfs.FileInfo;

namespace Pachyderm.Pachctl.Pfs;

/// <summary>What <c>inspect-*</c> prints: one fact a line, those that are unknown left out.</summary>
internal static class Details
{
    /// <summary>Describes a repo.</summary>
    public static void Write(TextWriter output, RepoInfo repo, DateTimeOffset now)
    {
        Line(output, "Name", repo.Repo.Name);
        Line(output, "Description", repo.Description);
        Line(output, "Created", Ages.Since(repo.Created, now));
        Line(output, "Size", Sizes.Format(repo.SizeBytes));
        Line(output, "Provenance", string.Join(' ', repo.Provenance.Select(source => source.Name)));
    }

    /// <summary>Describes a commit.</summary>
    public static void Write(TextWriter output, CommitInfo commit, DateTimeOffset now)
    {
        Line(output, "Commit", CommitRef.From(commit.Commit).ToString());
        Line(output, "Parent", commit.ParentCommit?.Id ?? "");
        Line(output, "Started", Ages.Since(commit.Started, now));
        Line(output, "Finished", commit.Finished is null ? "" : Ages.Since(commit.Finished, now));
        Line(output, "Size", Sizes.Format(commit.SizeBytes));
        Line(output, "Provenance", string.Join(' ', commit.Provenance.Select(source => CommitRef.From(source).ToString())));
    }

    /// <summary>Describes a file or directory.</summary>
    public static void Write(TextWriter output, FileInfo file)
    {
        Line(output, "Path", file.File.Path);
        Line(output, "Type", TypeOf(file));
        Line(output, "Size", Sizes.Format(file.SizeBytes));
        Line(output, "Children", string.Join(' ', file.Children));
    }

    /// <summary><c>file</c> or <c>dir</c>.</summary>
    public static string TypeOf(FileInfo file) => file.FileType == FileType.Dir ? "dir" : "file";

    private static void Line(TextWriter output, string name, string value)
    {
        if (value.Length > 0)
        {
            output.WriteLine($"{name}: {Printable.Text(value)}");
        }
    }
}
