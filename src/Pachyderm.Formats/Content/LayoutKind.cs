namespace Pachyderm.Formats.Content;

/// <summary>How a content store is laid out.</summary>
public enum LayoutKind
{
    /// <summary>Storage backend "local": an object is a file with the content, a tag is a symbolic link to it.</summary>
    Local,

    /// <summary>
    /// Storage backends of the clouds: content in blocks, objects and tags as references in files or, after compaction, in index files.
    /// </summary>
    Cloud,
}
