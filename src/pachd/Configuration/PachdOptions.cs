namespace Pachyderm.Pachd.Configuration;

/// <summary>What a pachd is started with, checked.</summary>
/// <param name="Data">Full path of the directory that holds everything it stores.</param>
/// <param name="Grpc">Where clients connect.</param>
/// <param name="Http">Where health, metrics and files are served over HTTP/1.1.</param>
/// <param name="LogLevel">The least that is logged.</param>
/// <param name="DrainTimeout">How long calls may go on after it was told to stop.</param>
/// <param name="AddressFile">A file that gets the address of the gRPC listener once it serves; null for none.</param>
internal sealed record PachdOptions(
    string Data, ListenAddress Grpc, ListenAddress Http, LogLevel LogLevel, TimeSpan DrainTimeout, string? AddressFile);
