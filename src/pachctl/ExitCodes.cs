namespace Pachyderm.Pachctl;

/// <summary>What a finished command says to scripts. Stable.</summary>
internal static class ExitCodes
{
    /// <summary>Done, or nothing to do.</summary>
    public const int Done = 0;

    /// <summary>Blocked by a finding, or refused before anything was written.</summary>
    public const int Blocked = 1;

    /// <summary>Failed: the store is as it was, or the work can be resumed or undone; the message says which.</summary>
    public const int Failed = 2;

    /// <summary>Wrong usage.</summary>
    public const int Usage = 3;
}
