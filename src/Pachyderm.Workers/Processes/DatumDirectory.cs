namespace Pachyderm.Workers.Processes;

/// <summary>
/// The directories of one datum: <c>pfs</c> as user code sees it, and <c>left-*</c> for what it leaves elsewhere; and its script.
/// </summary>
/// <param name="Root">Absolute path.</param>
/// <param name="Script">File name of its script in the control directory.</param>
internal sealed record DatumDirectory(string Root, string Script)
{
    /// <summary>Names of the empty directories in <c>pfs</c> that are left from an earlier datum.</summary>
    internal List<string> Kept { get; } = [];

    /// <summary>What becomes <c>/pfs</c>.</summary>
    internal string Pfs => $"{Root}/pfs";

    /// <summary>What becomes <c>/pfs/out</c>.</summary>
    internal string Out => $"{Root}/pfs/out";
}
