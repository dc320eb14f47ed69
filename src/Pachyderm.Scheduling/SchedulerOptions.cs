using Microsoft.Extensions.Logging;
using Pachyderm.Metadata;
using Pachyderm.ObjectStores;
using Pachyderm.Pfs;
using Pachyderm.Storage.Content;
using Pachyderm.Workers;

namespace Pachyderm.Scheduling;

/// <summary>What the scheduler works on, and how. Everything in it is the caller's, who disposes it after the scheduler.</summary>
public sealed record SchedulerOptions
{
    /// <summary>The records of repos, pipelines and jobs.</summary>
    public required IMetadataStore Metadata { get; init; }

    /// <summary>The content.</summary>
    public required IChunkStore Chunks { get; init; }

    /// <summary>Repos and commits over the two.</summary>
    public required PachydermFileSystem Files { get; init; }

    /// <summary>Where the programs of pipelines run.</summary>
    public required IWorkerBackend Workers { get; init; }

    /// <summary>Sends the output of pipelines with an egress to web servers.</summary>
    public required HttpClient Http { get; init; }

    /// <summary>The clock.</summary>
    public required TimeProvider Time { get; init; }

    /// <summary>Takes what an operator should know.</summary>
    public required ILogger Logger { get; init; }

    /// <summary>Number of nodes for pipelines that have a worker for each node: on a single machine its processors.</summary>
    public int Nodes { get; init; } = Environment.ProcessorCount;

    /// <summary>Directories of this machine that outputs may be sent to (<c>file:</c> addresses); none by default.</summary>
    public IReadOnlyList<string> EgressDirectories { get; init; } = [];

    /// <summary>
    /// Opens the object store that an egress address with another scheme than <c>file</c>, <c>http</c> and <c>https</c> names, below which
    /// its keys are; null, or a function that gives null, if there is none.
    /// </summary>
    public Func<Uri, IObjectStore?>? OpenEgressStore { get; init; }

    /// <summary>Directory with one directory for each secret that a transform may name; null for none.</summary>
    public string? SecretsDirectory { get; init; }
}
