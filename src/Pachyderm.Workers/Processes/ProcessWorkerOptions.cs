namespace Pachyderm.Workers.Processes;

/// <summary>Whether user code is kept apart from the machine.</summary>
public enum ProcessIsolation
{
    /// <summary>In a sandbox where bubblewrap works, otherwise not, with a note.</summary>
    Automatic,

    /// <summary>In a sandbox, or not at all.</summary>
    Required,

    /// <summary>Never: user code sees the machine as the server does.</summary>
    None,
}
