using System.Text.Json.Serialization;

namespace Pachyderm.Pps.Records;

// The persisted forms, format 1. They are types of their own so that a change of the domain does not change what is stored. What is
// empty is left out; times and durations are ticks of 100 ns, times since the year 1 in UTC.

/// <summary>A pipeline as it is stored.</summary>
internal sealed record PipelineDocument
{
    public int Format { get; set; }

    public int MinReader { get; set; }

    public required string Name { get; set; }

    public required ulong Version { get; set; }

    public string Salt { get; set; } = "";

    public required long Created { get; set; }

    public required InputDocument Input { get; set; }

    public required WorkloadDocument Workload { get; set; }

    public string Description { get; set; } = "";

    public int State { get; set; }

    public int[] JobCounts { get; set; } = [];

    public string RecentError { get; set; } = "";

    public string LegacyId { get; set; } = "";

    public long Revision { get; set; }
}

/// <summary>A job as it is stored.</summary>
internal sealed record JobDocument
{
    public int Format { get; set; }

    public int MinReader { get; set; }

    public required string Id { get; set; }

    public required string Pipeline { get; set; }

    public required ulong PipelineVersion { get; set; }

    public string Salt { get; set; } = "";

    public required InputDocument Input { get; set; }

    public required WorkloadDocument Workload { get; set; }

    public required long Started { get; set; }

    public CommitDocument? NewCommit { get; set; }

    public string? Parent { get; set; }

    public int State { get; set; }

    public long? Finished { get; set; }

    public CommitDocument? Output { get; set; }

    public bool IsOutputDisjoint { get; set; }

    public CommitDocument? Statistics { get; set; }

    public ulong Restarts { get; set; }

    public long Total { get; set; }

    public long Processed { get; set; }

    public long Skipped { get; set; }

    public StatsDocument? Stats { get; set; }

    public string Reason { get; set; } = "";

    public long Queued { get; set; }

    public long Revision { get; set; }
}

/// <summary>A datum that a job has processed, as it is stored.</summary>
internal sealed record DatumDocument
{
    public int Format { get; set; }

    public int MinReader { get; set; }

    public required string Tag { get; set; }

    public bool Failed { get; set; }

    public int Failures { get; set; }

    public StatsDocument? Stats { get; set; }

    public string Reason { get; set; } = "";
}

/// <summary>An input as it is stored: exactly one of the four is set.</summary>
internal sealed record InputDocument
{
    public LeafDocument? Atom { get; set; }

    public LeafDocument? Cron { get; set; }

    public InputDocument[]? Cross { get; set; }

    public InputDocument[]? Union { get; set; }
}

/// <summary>An atom or a cron as it is stored.</summary>
internal sealed record LeafDocument
{
    public string Name { get; set; } = "";

    public string Repo { get; set; } = "";

    public string Branch { get; set; } = "";

    public string Commit { get; set; } = "";

    public string Glob { get; set; } = "";

    public bool Lazy { get; set; }

    public string FromCommit { get; set; } = "";

    public string Spec { get; set; } = "";

    public long? Start { get; set; }
}

/// <summary>A commit as it is stored.</summary>
internal sealed record CommitDocument(string Repo, string Id);

/// <summary>Measures as they are stored.</summary>
internal sealed record StatsDocument
{
    public long Download { get; set; }

    public long Process { get; set; }

    public long Upload { get; set; }

    public long DownloadBytes { get; set; }

    public long UploadBytes { get; set; }
}

/// <summary>A workload as it is stored.</summary>
internal sealed record WorkloadDocument
{
    public string Image { get; set; } = "";

    public string[] Cmd { get; set; } = [];

    public string[][] Env { get; set; } = [];

    public string[][] Secrets { get; set; } = [];

    public string[] Stdin { get; set; } = [];

    public long[] AcceptReturnCode { get; set; } = [];

    public bool Debug { get; set; }

    public string[] ImagePullSecrets { get; set; } = [];

    public string OutputBranch { get; set; } = "";

    public ParallelismDocument? Parallelism { get; set; }

    public ResourcesDocument? Resources { get; set; }

    public string? Egress { get; set; }

    public long? ScaleDownThreshold { get; set; }

    public bool Incremental { get; set; }

    public string CacheSize { get; set; } = "";

    public bool EnableStats { get; set; }

    public bool Batch { get; set; }
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
