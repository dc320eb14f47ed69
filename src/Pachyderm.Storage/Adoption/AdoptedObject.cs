namespace Pachyderm.Storage.Adoption;

/// <summary>An object of an older release, and where its bytes are.</summary>
/// <param name="Hash">Its name: the SHA-512 of its bytes as 128 lower-case hexadecimal digits.</param>
/// <param name="Key">
/// What holds its bytes in the source: a block, or in the local layout the object's own file; a key of the source's object store.
/// </param>
/// <param name="Offset">Its first byte there.</param>
/// <param name="Length">Its length in bytes. An object without bytes needs no chunk and is passed over.</param>
public readonly record struct AdoptedObject(string Hash, string Key, long Offset, long Length);
