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

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
