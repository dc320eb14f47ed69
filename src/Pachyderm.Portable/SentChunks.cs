using System.Buffers.Binary;
using Pachyderm.Storage.Content;

namespace Pachyderm.Portable;

/// <summary>
/// Which chunks are in the stream already, in bounded memory: of the newest millions. One that was forgotten is sent again, which costs room
/// and nothing else.
/// </summary>
/// <param name="generation">After so many new ones the generation before the last is forgotten.</param>
internal sealed class SentChunks(int generation)
{
    private HashSet<UInt128> _older = [];
    private HashSet<UInt128> _newer = [];

    /// <summary>Notes a chunk.</summary>
    /// <returns>Whether it is new.</returns>
    public bool Add(ChunkId id)
    {
        Span<byte> bytes = stackalloc byte[ChunkId.Length];
        id.CopyTo(bytes);
        UInt128 key = BinaryPrimitives.ReadUInt128LittleEndian(bytes);
        if (_older.Contains(key) || !_newer.Add(key))
        {
            return false;
        }

        if (_newer.Count >= generation)
        {
            (_older, _newer) = (_newer, _older);
            _newer.Clear();
        }

        return true;
    }
}
