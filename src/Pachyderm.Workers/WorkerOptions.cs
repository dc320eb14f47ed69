namespace Pachyderm.Workers;

/// <summary>What all backends that run on this machine have in common.</summary>
public sealed record WorkerOptions
{
    /// <summary>Directory for scratch; it belongs to the backends alone. What a server that died left there is removed at the start.</summary>
    public required string ScratchDirectory { get; init; }

    /// <summary>Time between SIGTERM and SIGKILL when a datum is cancelled.</summary>
    public TimeSpan KillGrace { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Most bytes that a datum may leave in <c>/pfs/out</c> and its temporary directories while it runs; each file, directory and link
    /// counts its length and 1 KiB. <see langword="null"/> is no bound of its own; <see cref="FreeSpaceReserve"/> always holds.
    /// </summary>
    public long? MaxScratchBytes { get; init; }

    /// <summary>Bytes that stay free on the disk of <see cref="ScratchDirectory"/>: a datum that eats into them is ended.</summary>
    public long FreeSpaceReserve { get; init; } = 256L << 20;

    /// <summary>How often disk use is looked at, at most; a walk that takes long makes it rarer.</summary>
    public TimeSpan DiskCheckInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Most processes and threads of a worker, where control groups can be used.</summary>
    public int MaxProcesses { get; init; } = 16_384;

    /// <summary>Longest line that is logged whole, in bytes; longer ones are split.</summary>
    public int MaxLineBytes { get; init; } = 64 << 10;

    /// <summary>Files of one datum that are fetched at the same time.</summary>
    public int FetchParallelism { get; init; } = 4;

    /// <summary>Whether user code can use the network, as it could in 1.5's pods.</summary>
    public bool Network { get; init; } = true;

    /// <summary>
    /// Whether the sandbox is used for one datum after another, which saves 7 ms each. Processes, files, shared memory and the environment
    /// of one datum never reach the next in either case.
    /// </summary>
    public bool ReuseSandbox { get; init; } = true;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
