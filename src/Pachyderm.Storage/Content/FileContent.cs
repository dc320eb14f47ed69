using System.Collections.Immutable;

namespace Pachyderm.Storage.Content;

/// <summary>
/// What a file's bytes are: a list of chunks, small lists in place and large ones as a tree of list nodes.
/// The same bytes written by this release have the same chunks, and so the same <see cref="Hash"/>, however they were put together.
/// </summary>
/// <param name="Size">Length in bytes.</param>
/// <param name="Hash">
/// Identifies the bytes. Of at most one chunk it is what 1.5 gives a file put at once (<see cref="FileHash"/>), of several the SHA-256 of
/// their
/// list. Files that came from an older release keep the hash of that release, so equal bytes of several chunks may differ in hash.
/// Compare together with <paramref name="Size"/>.
/// </param>
/// <param name="Chunks">The chunks in order, or, if <paramref name="Depth"/> is above 0, the nodes of the list's top level.</param>
/// <param name="Depth">Number of levels of list nodes between <paramref name="Chunks"/> and the bytes; 0 if they are the bytes.</param>
public sealed record FileContent(long Size, ChunkId Hash, ImmutableArray<ChunkReference> Chunks, int Depth);
