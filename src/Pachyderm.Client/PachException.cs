using Grpc.Core;

namespace Pachyderm.Client;

/// <summary>The server refused a request. The message is the server's own text.</summary>
/// <param name="status">The gRPC status. Servers of 1.4 and 1.5 send <see cref="StatusCode.Unknown"/> for everything.</param>
/// <param name="message">What the server says is wrong.</param>
/// <param name="inner">The failure underneath.</param>
public sealed class PachException(StatusCode status, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The gRPC status.</summary>
    public StatusCode Status { get; } = status;

    /// <summary>Whether the repo, commit, branch, file or object does not exist. For servers of 1.4 and 1.5 their text tells.</summary>
    public bool IsNotFound => Is(StatusCode.NotFound, "not found") || Is(StatusCode.NotFound, "no node at ");

    /// <summary>Whether it exists already.</summary>
    public bool IsAlreadyExists => Is(StatusCode.AlreadyExists, "already exists");

    private bool Is(StatusCode status, string fragment) =>
        Status == status || (Status == StatusCode.Unknown && Message.Contains(fragment, StringComparison.Ordinal));
}
