using Pachyderm.Storage.Content;
using Pachyderm.Storage.Packs;

namespace Pachyderm.Storage.Adoption;

/// <summary>
/// Puts one adopted pack after the other together, in memory: a pack is stored whole or not at all, so a kill leaves nothing to recover.
/// </summary>
/// <param name="source">What the packs adopt.</param>
/// <param name="maximumChunks">Chunks that go into one.</param>
/// <param name="newId">Names the packs; at random if null.</param>
internal sealed class AdoptedPackWriter(string source, int maximumChunks, Func<PackId>? newId = null)
{
    private const int FullLength = 64 << 20;

    private readonly HashSet<ChunkId> _ids = [];
    private List<PackEntry> _entries = [];
    private byte[] _bytes = new byte[256 * 1024];
    private int _length;
    private long _adoptedBytes;

    /// <summary>The pack that is put together; a new one after each <see cref="Complete"/>.</summary>
    public PackId Id { get; private set; }

    /// <summary>Chunks in it so far.</summary>
    public int Count => _entries.Count;

    /// <summary>Whether it should end.</summary>
    public bool IsFull => Count >= maximumChunks || _length >= FullLength;

    /// <summary>Whether a chunk is in it already.</summary>
    public bool Has(ChunkId id) => _ids.Contains(id);

    /// <summary>Adds a chunk.</summary>
    public void Add(ChunkReference chunk, AdoptedReference reference)
    {
        if (Count == 0)
        {
            Id = newId?.Invoke() ?? PackId.Create();
            PackFormat.WriteHeader(Id, _bytes, PackFormat.AdoptedVersion, source);
            _length = PackFormat.HeaderLength;
        }

        Reserve(RecordHeader.Length + AdoptedReference.MaximumLength);
        int stored = reference.Write(Id, _length, _bytes.AsSpan(_length + RecordHeader.Length));
        ChunkPayload payload = new(stored, (int)chunk.Length, ChunkEncoding.Reference, ChunkHash.Sha512);
        new RecordHeader(chunk.Id, payload).Write(Id, _length, _bytes.AsSpan(_length));
        _entries.Add(new PackEntry(chunk.Id, (uint)_length, payload));
        _ids.Add(chunk.Id);
        _length += RecordHeader.Length + stored;
        _adoptedBytes += chunk.Length;
    }

    /// <summary>Ends the pack, and begins another.</summary>
    /// <returns>Its bytes, valid until the next call of <see cref="Add"/>; what it holds; and its description.</returns>
    public (ReadOnlyMemory<byte> Bytes, List<PackEntry> Entries, PackAdoption Adoption) Complete()
    {
        List<PackEntry> entries = _entries;
        byte[] footer = PackFormat.WriteFooter(Id, entries, _length, PackFormat.AdoptedVersion);
        Reserve(footer.Length);
        footer.CopyTo(_bytes, _length);
        ReadOnlyMemory<byte> pack = _bytes.AsMemory(0, _length + footer.Length);
        PackAdoption adoption = new(source, entries.Count, _adoptedBytes);
        _entries = [];
        _ids.Clear();
        _adoptedBytes = 0;
        return (pack, entries, adoption);
    }

    private void Reserve(int count)
    {
        if (_bytes.Length - _length < count)
        {
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, _length + count));
        }
    }
}
