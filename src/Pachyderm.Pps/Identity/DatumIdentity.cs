using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Pachyderm.Pps.Datums;
using Pachyderm.Storage.Content;

namespace Pachyderm.Pps.Identity;

/// <summary>
/// The identity of datums since 1.5.1 (spec/pps.md section 6): for each file the input's name, the path and the hash, then the pipeline's
/// name and salt. Neither commit nor branch nor transform is part of it. Immutable and safe for concurrent use.
/// </summary>
public sealed class DatumIdentity
{
    private const int StackBytes = 1024;

    private readonly ushort prefix;
    private readonly byte[] ending;

    /// <summary>The identity of the datums of a pipeline.</summary>
    public DatumIdentity(PipelineName pipeline, Salt salt)
    {
        byte[] saltBytes = Encoding.UTF8.GetBytes(salt.Value);
        prefix = BinaryPrimitives.ReadUInt16BigEndian(SHA256.HashData(saltBytes));
        ending = [.. Encoding.UTF8.GetBytes(pipeline.Value), .. saltBytes];
    }

    /// <summary>The four digits that the tags of this pipeline begin with, as a number.</summary>
    public ushort Prefix => prefix;

    /// <summary>The tag of a datum.</summary>
    /// <param name="parts">Its files, in the order of the inputs.</param>
    public DatumTag TagOf(ReadOnlySpan<DatumPart> parts) => new(prefix, Hash(parts, withNames: true, ending));

    /// <summary>The identifier of a datum in logs and stats commits: the same for every pipeline.</summary>
    /// <param name="parts">Its files, in the order of the inputs.</param>
    public static ChunkId IdOf(ReadOnlySpan<DatumPart> parts) => Hash(parts, withNames: false, []);

    private static ChunkId Hash(ReadOnlySpan<DatumPart> parts, bool withNames, ReadOnlySpan<byte> ending)
    {
        int length = ending.Length;
        foreach (ref readonly DatumPart part in parts)
        {
            length += (withNames ? part.Input.NameBytes.Length : 0) + part.File.Path.Bytes.Length + ChunkId.Length;
        }
        byte[]? rented = length > StackBytes ? ArrayPool<byte>.Shared.Rent(length) : null;
        Span<byte> body = rented is null ? stackalloc byte[StackBytes] : rented;
        int at = 0;
        foreach (ref readonly DatumPart part in parts)
        {
            if (withNames)
            {
                Append(part.Input.NameBytes, body, ref at);
            }
            Append(part.File.Path.Bytes, body, ref at);
            part.File.Hash.CopyTo(body[at..]);
            at += ChunkId.Length;
        }
        Append(ending, body, ref at);
        ChunkId hash = ChunkId.Of(body[..at]);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
        return hash;
    }

    private static void Append(ReadOnlySpan<byte> bytes, Span<byte> body, ref int at)
    {
        bytes.CopyTo(body[at..]);
        at += bytes.Length;
    }
}
