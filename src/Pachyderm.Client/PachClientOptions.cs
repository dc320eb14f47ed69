namespace Pachyderm.Client;

/// <summary>How a <see cref="PachClient"/> connects.</summary>
public sealed record PachClientOptions
{
    /// <summary>Where pachd listens.</summary>
    public required PachAddress Address { get; init; }

    /// <summary>Session token that <c>auth login</c> obtained; empty while authentication is not activated.</summary>
    public string SessionToken { get; init; } = "";

    /// <summary>How long setting up a connection may take before the address counts as unreachable.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Most bytes of one message of the server. Servers of 1.4 and 1.5 send a list of any length as one message, and expect clients to take 20 MiB,
    /// which is the default.
    /// </summary>
    public int LongestReply { get; init; } = 20 * 1024 * 1024;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
