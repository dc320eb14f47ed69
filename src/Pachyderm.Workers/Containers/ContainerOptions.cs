namespace Pachyderm.Workers.Containers;

/// <summary>Which container engine to use, and how.</summary>
public sealed record ContainerOptions
{
    /// <summary>Program of the engine, or <see langword="null"/> for podman or docker, whichever answers first.</summary>
    public string? Engine { get; init; }

    /// <summary>Arguments between the program and its command, such as <c>--runtime runc</c>.</summary>
    public IReadOnlyList<string> EngineArguments { get; init; } = [];

    /// <summary>More arguments for <c>run</c>.</summary>
    public IReadOnlyList<string> RunArguments { get; init; } = [];
}
