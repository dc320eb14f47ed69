using System.Text.Json.Serialization;

namespace Pachyderm.Pps.Records;

// The persisted forms, format 1. They are types of their own so that a change of the domain does not change what is stored. What is
// empty is left out; times and durations are ticks of 100 ns, times since the year 1 in UTC.

/// <summary>A pipeline as it is stored.</summary>
internal sealed record PipelineDocument
{
    public int Format { get; init; }

    public int MinReader { get; init; }

    public required string Name { get; init; }

    public required ulong Version { get; init; }

    public string Salt { get; init; } = "";

    public required long Created { get; init; }

    public required InputDocument Input { get; init; }

    public required WorkloadDocument Workload { get; init; }

    public string Description { get; init; } = "";

    public int State { get; init; }

    public int[] JobCounts { get; init; } = [];

    public string RecentError { get; init; } = "";

    public string LegacyId { get; init; } = "";

    public long Revision { get; init; }
}

/// <summary>A job as it is stored.</summary>
internal sealed record JobDocument
{
    public int Format { get; init; }

    public int MinReader { get; init; }

    public required string Id { get; init; }

    public required string Pipeline { get; init; }

    public required ulong PipelineVersion { get; init; }

    public string Salt { get; init; } = "";

    public required InputDocument Input { get; init; }

    public required WorkloadDocument Workload { get; init; }

    public required long Started { get; init; }

    public CommitDocument? NewCommit { get; init; }

    public string? Parent { get; init; }

    public int State { get; init; }

    public long? Finished { get; init; }

    public CommitDocument? Output { get; init; }

    public bool IsOutputDisjoint { get; init; }

    public CommitDocument? Statistics { get; init; }

    public ulong Restarts { get; init; }

    public long Total { get; init; }

    public long Processed { get; init; }

    public long Skipped { get; init; }

    public StatsDocument? Stats { get; init; }

    public string Reason { get; init; } = "";

    public long Queued { get; init; }

    public long Revision { get; init; }
}

/// <summary>A datum that a job has processed, as it is stored.</summary>
internal sealed record DatumDocument
{
    public int Format { get; init; }

    public int MinReader { get; init; }

    public required string Tag { get; init; }

    public bool Failed { get; init; }

    public int Failures { get; init; }

    public StatsDocument? Stats { get; init; }

    public string Reason { get; init; } = "";
}

/// <summary>An input as it is stored: exactly one of the four is set.</summary>
internal sealed record InputDocument
{
    public LeafDocument? Atom { get; init; }

    public LeafDocument? Cron { get; init; }

    public InputDocument[]? Cross { get; init; }

    public InputDocument[]? Union { get; init; }
}

/// <summary>An atom or a cron as it is stored.</summary>
internal sealed record LeafDocument
{
    public string Name { get; init; } = "";

    public string Repo { get; init; } = "";

    public string Branch { get; init; } = "";

    public string Commit { get; init; } = "";

    public string Glob { get; init; } = "";

    public bool Lazy { get; init; }

    public string FromCommit { get; init; } = "";

    public string Spec { get; init; } = "";

    public long? Start { get; init; }
}

/// <summary>A commit as it is stored.</summary>
internal sealed record CommitDocument(string Repo, string Id);

/// <summary>Measures as they are stored.</summary>
internal sealed record StatsDocument
{
    public long Download { get; init; }

    public long Process { get; init; }

    public long Upload { get; init; }

    public long DownloadBytes { get; init; }

    public long UploadBytes { get; init; }
}

/// <summary>A workload as it is stored.</summary>
internal sealed record WorkloadDocument
{
    public string Image { get; init; } = "";

    public string[] Cmd { get; init; } = [];

    public string[][] Env { get; init; } = [];

    public string[][] Secrets { get; init; } = [];

    public string[] Stdin { get; init; } = [];

    public long[] AcceptReturnCode { get; init; } = [];

    public bool Debug { get; init; }

    public string[] ImagePullSecrets { get; init; } = [];

    public string OutputBranch { get; init; } = "";

    public ParallelismDocument? Parallelism { get; init; }

    public ResourcesDocument? Resources { get; init; }

    public string? Egress { get; init; }

    public long? ScaleDownThreshold { get; init; }

    public bool Incremental { get; init; }

    public string CacheSize { get; init; } = "";

    public bool EnableStats { get; init; }

    public bool Batch { get; init; }
}

/// <summary>A strategy of parallelism as it is stored.</summary>
internal sealed record ParallelismDocument(ulong Constant, double Coefficient);

/// <summary>Resources as they are stored.</summary>
internal sealed record ResourcesDocument(float Cpu, string Memory, long Gpu);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
    RespectNullableAnnotations = true, MaxDepth = 256)]
[JsonSerializable(typeof(PipelineDocument))]
[JsonSerializable(typeof(JobDocument))]
[JsonSerializable(typeof(DatumDocument))]
internal sealed partial class RecordJson : JsonSerializerContext;
