using System.Net;
using Pachyderm.Workers.Processes;

namespace Pachyderm.Pachd.Configuration;

/// <summary>How a pachd runs, checked.</summary>
/// <param name="DataDirectory">Where everything is kept, as an absolute path.</param>
/// <param name="GrpcAddress">Where gRPC is served; port 0 takes a free one.</param>
/// <param name="HttpAddress">Where HTTP is served; null for nowhere.</param>
/// <param name="LogLevel">The least important lines that are logged.</param>
/// <param name="DrainTimeout">How long calls may go on after the signal to end.</param>
/// <param name="ReadOnly">Whether writes are refused.</param>
/// <param name="AddressFile">Absolute path of the file that gets the address of gRPC; null for none.</param>
/// <param name="Pipelines">How the programs of pipelines run.</param>
internal sealed record PachdOptions(
    string DataDirectory, IPEndPoint GrpcAddress, IPEndPoint? HttpAddress, LogLevel LogLevel, TimeSpan DrainTimeout, bool ReadOnly,
    string? AddressFile, PipelineOptions Pipelines);

/// <summary>How the programs of pipelines run. All paths are absolute.</summary>
/// <param name="Workers">Where they run.</param>
/// <param name="Sandbox">Whether processes are kept apart from the machine.</param>
/// <param name="ScratchDirectory">Where files are laid out for them.</param>
/// <param name="Nodes">Number of nodes, for pipelines that have a worker for each.</param>
/// <param name="Network">Whether they can use the network.</param>
/// <param name="EgressDirectories">Directories that output may be sent to.</param>
/// <param name="SecretsDirectory">Where secrets are; null for none.</param>
internal sealed record PipelineOptions(
    WorkerPlace Workers, ProcessIsolation Sandbox, string ScratchDirectory, int Nodes, bool Network,
    IReadOnlyList<string> EgressDirectories, string? SecretsDirectory);

/// <summary>Where the programs of pipelines run.</summary>
internal enum WorkerPlace
{
    /// <summary>In a container if an engine answers and the pipeline names an image, else as a process.</summary>
    Automatic,

    /// <summary>As processes of this machine.</summary>
    Process,

    /// <summary>In containers.</summary>
    Container,
}
