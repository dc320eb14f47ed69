namespace Pachyderm.Formats.Content;

/// <summary>An object of a content store.</summary>
/// <param name="Hash">Lower-case hexadecimal SHA-512 of its content.</param>
/// <param name="SizeBytes">Its size in bytes.</param>
public readonly record struct ContentObject(string Hash, long SizeBytes);

/// <summary>An object of a content store, and where its bytes are.</summary>
/// <param name="Hash">Lower-case hexadecimal SHA-512 of its content.</param>
/// <param name="Path">
/// The file that has its bytes, below the storage root, with <c>/</c> between segments: a block, or a file of its own.
/// </param>
/// <param name="Offset">Its first byte in that file.</param>
/// <param name="SizeBytes">Its size in bytes.</param>
public readonly record struct ContentPlace(string Hash, string Path, long Offset, long SizeBytes);

/// <summary>A tag of a content store.</summary>
/// <param name="Name">Its name.</param>
/// <param name="ObjectHash">The object that it names.</param>
public readonly record struct ContentTag(string Name, string ObjectHash);

/// <summary>How an object is.</summary>
public enum ObjectStatus
{
    /// <summary>It is there, and as far as was looked it is what it must be.</summary>
    Sound,

    /// <summary>It does not exist.</summary>
    Missing,

    /// <summary>It exists, but its content is wrong or not there.</summary>
    Damaged,
}

/// <summary>Outcome of the verification of an object.</summary>
/// <param name="Status">How it is.</param>
/// <param name="SizeBytes">Its size in bytes, where known.</param>
/// <param name="Problem">What is wrong, without a final full stop; null when it is sound.</param>
public sealed record ObjectCheck(ObjectStatus Status, long SizeBytes, string? Problem);

/// <summary>What is known of a file's content from its path.</summary>
public enum ContentFileKind
{
    /// <summary>Its content has the SHA-512 that is its name; it never changes.</summary>
    HashedObject,

    /// <summary>A block: written once under a random name; it never changes.</summary>
    Block,

    /// <summary>Anything else; it may be written again with other content.</summary>
    Other,

    /// <summary>A symbolic link.</summary>
    Link,
}

/// <summary>A file or link of a content store.</summary>
/// <param name="Path">Its path below the storage root, with <c>/</c> between segments.</param>
/// <param name="Kind">What is known of its content.</param>
/// <param name="SizeBytes">Size in bytes; 0 for a link.</param>
/// <param name="LinkTarget">What a link points to, as it is written there; null for a file.</param>
public readonly record struct ContentFile(string Path, ContentFileKind Kind, long SizeBytes, string? LinkTarget);
