using Pachyderm.Formats;
using Pachyderm.Formats.V1_5;

namespace Pachyderm.Migration.Survey;

/// <summary>
/// What a record must be beyond being readable: that it is the record its key says, and that its values are ones that a server could
/// have written. Each answers null, or what is wrong.
/// </summary>
public static class RecordRules
{
    /// <summary>Length of a commit's identifier: a UUID without dashes.</summary>
    public const int CommitIdLength = 32;

    private const int ObjectHashLength = 128;
    /// <summary>The highest number of a state, of jobs and of pipelines.</summary>
    internal const int LastState = 4;
    private const int NanosPerSecond = 1_000_000_000;

    /// <summary>Checks a repo.</summary>
    public static string? Check(in RecordKey key, RepoInfo repo)
    {
        if (repo.Repo is null || !repo.Repo.Name.Span.SequenceEqual(key.Repo))
        {
            return "its name is not that of its key";
        }

        return IsTime(repo.Created) ? null : "its creation time is not a time";
    }

    /// <summary>Checks a commit.</summary>
    public static string? Check(in RecordKey key, CommitInfo commit)
    {
        if (commit.Commit?.Repo is null
            || !commit.Commit.Repo.Name.Span.SequenceEqual(key.Repo)
            || !commit.Commit.Id.Span.SequenceEqual(key.Id))
        {
            return "its repo or id is not that of its key";
        }

        if (!IsTime(commit.Started) || !IsTime(commit.Finished))
        {
            return "its start or finish is not a time";
        }

        return commit.Tree is { } tree && !IsObjectHash(tree.Hash.Span) ? "its tree is not the hash of an object" : null;
    }

    /// <summary>Checks a branch.</summary>
    public static string? CheckBranch(in RecordKey key, Commit head)
    {
        if (head.Repo is null || !head.Repo.Name.Span.SequenceEqual(key.Repo))
        {
            return "its repo is not that of its key";
        }

        return head.Id.IsEmpty ? "it has no head" : null;
    }

    /// <summary>Checks a pipeline.</summary>
    public static string? Check(in RecordKey key, PipelineInfo pipeline)
    {
        if (pipeline.Pipeline is null || !pipeline.Pipeline.Name.Span.SequenceEqual(key.Name))
        {
            return "its name is not that of its key";
        }

        if ((int)pipeline.State is < 0 or > LastState)
        {
            return $"its state {(int)pipeline.State} is not one";
        }

        return IsTime(pipeline.CreatedAt) ? null : "its creation time is not a time";
    }

    /// <summary>Checks a job.</summary>
    public static string? Check(in RecordKey key, JobInfo job)
    {
        if (job.Job is null || !job.Job.Id.Span.SequenceEqual(key.Id))
        {
            return "its id is not that of its key";
        }

        if ((int)job.State is < 0 or > LastState)
        {
            return $"its state {(int)job.State} is not one";
        }

        return IsTime(job.Started) && IsTime(job.Finished) ? null : "its start or finish is not a time";
    }

    private static bool IsTime(Google.Protobuf.WellKnownTypes.Timestamp? time) => time is null || time.Nanos is >= 0 and < NanosPerSecond;

    /// <summary>Whether bytes are the name of an object: 128 lower-case hexadecimal digits.</summary>
    internal static bool IsObjectHash(ReadOnlySpan<byte> hash) =>
        hash.Length == ObjectHashLength && hash.IndexOfAnyExcept(Hexadecimal) < 0;

    private static readonly System.Buffers.SearchValues<byte> Hexadecimal = System.Buffers.SearchValues.Create("0123456789abcdef"u8);
}
