using Pachyderm.Wire.Pfs;

namespace Pachyderm.Client;

/// <summary>How a file is written.</summary>
public sealed record PutFileOptions
{
    /// <summary>Replaces what the file holds; otherwise content is appended to it.</summary>
    public bool Overwrite { get; init; }

    /// <summary>Makes the path a directory of numbered files that each hold whole lines or JSON values.</summary>
    public Delimiter Delimiter { get; init; } = Delimiter.None;

    /// <summary>With a delimiter: lines or values in each file; 0 for no such limit.</summary>
    public long TargetFileDatums { get; init; }

    /// <summary>With a delimiter: a file ends after the line or value that makes it this long, in bytes; 0 for no such limit.</summary>
    public long TargetFileBytes { get; init; }
}
