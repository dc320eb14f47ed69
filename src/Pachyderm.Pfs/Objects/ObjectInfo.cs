namespace Pachyderm.Pfs;

/// <summary>An immutable object.</summary>
/// <param name="Hash">Its name: the SHA-512 of its bytes in 128 lower-case hexadecimal digits, or a chunk's in 64.</param>
/// <param name="Size">Its length in bytes.</param>
public sealed record ObjectInfo(string Hash, long Size);

/// <summary>A name for an object.</summary>
/// <param name="Tag">The name.</param>
/// <param name="ObjectHash">The object's name.</param>
public sealed record ObjectTag(string Tag, string ObjectHash);
