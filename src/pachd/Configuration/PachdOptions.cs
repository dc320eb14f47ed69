using System.Net;

namespace Pachyderm.Pachd.Configuration;

/// <summary>How a pachd runs, checked.</summary>
/// <param name="DataDirectory">Where everything is kept, as an absolute path.</param>
/// <param name="GrpcAddress">Where gRPC is served; port 0 takes a free one.</param>
/// <param name="HttpAddress">Where HTTP is served; null for nowhere.</param>
/// <param name="LogLevel">The least important lines that are logged.</param>
/// <param name="DrainTimeout">How long calls may go on after the signal to end.</param>
/// <param name="ReadOnly">Whether writes are refused.</param>
/// <param name="AddressFile">Absolute path of the file that gets the address of gRPC; null for none.</param>
internal sealed record PachdOptions(
    string DataDirectory, IPEndPoint GrpcAddress, IPEndPoint? HttpAddress, LogLevel LogLevel, TimeSpan DrainTimeout, bool ReadOnly,
    string? AddressFile);
