using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Pachyderm.Chunking;

/// <summary>
/// Finds where a file is cut: a gear hash over the bytes since the last cut, harder to meet before the average length than after it
/// (normalised chunking, after FastCDC). The cut depends on these bytes alone, so equal data are cut alike after any edit before them.
/// The parameters and the table are part of storage format 1: other values would store equal data twice. Clients cut alike, so that they
/// can
/// ask for chunks before they send them.
/// </summary>
public struct Chunker
{
    /// <summary>No chunk but the last of a file is shorter.</summary>
    public const int Minimum = 128 << 10;

    /// <summary>Where the condition gets easier.</summary>
    public const int Average = 512 << 10;

    /// <summary>No chunk is longer.</summary>
    public const int Maximum = 2 << 20;

    // The hash is below these with a probability of 2^-20 and 2^-18 per byte: one bit on either side of the average.
    private const ulong HardThreshold = 1UL << (64 - 20);
    private const ulong EasyThreshold = 1UL << (64 - 18);

    private static readonly ulong[] Gear = CreateGear();

    private ulong hash;
    private int length;

    /// <summary>Takes bytes into the current chunk, up to its end if that is among them.</summary>
    /// <param name="data">The bytes that follow those taken before.</param>
    /// <param name="isEnd">Whether the chunk ends after the bytes taken; the next call begins the next chunk.</param>
    /// <returns>How many bytes were taken: all, unless the chunk ends before.</returns>
    public int Take(ReadOnlySpan<byte> data, out bool isEnd)
    {
        int taken = Math.Min(data.Length, Math.Max(0, Minimum - length));
        if (ScanTo(Average, HardThreshold, data, ref taken) || ScanTo(Maximum, EasyThreshold, data, ref taken))
        {
            isEnd = true;
            this = default;
            return taken;
        }
        length += taken;
        isEnd = length == Maximum;
        if (isEnd)
        {
            this = default;
        }
        return taken;
    }

    private bool ScanTo(int limit, ulong threshold, ReadOnlySpan<byte> data, ref int taken)
    {
        int end = Math.Min(data.Length, limit - length);
        if (taken >= end)
        {
            return false;
        }
        ulong current = hash;
        ref ulong gear = ref MemoryMarshal.GetArrayDataReference(Gear);
        ref byte bytes = ref MemoryMarshal.GetReference(data);
        for (nint index = taken; index < end; index++)
        {
            current = (current << 1) + Unsafe.Add(ref gear, Unsafe.Add(ref bytes, index));
            if (current < threshold)
            {
                taken = (int)index + 1;
                return true;
            }
        }
        hash = current;
        taken = end;
        return false;
    }

    // SplitMix64 from a fixed seed.
    private static ulong[] CreateGear()
    {
        ulong[] gear = new ulong[256];
        ulong state = 0x5061_6368_7964_6572;
        for (int index = 0; index < gear.Length; index++)
        {
            state += 0x9E37_79B9_7F4A_7C15;
            ulong mixed = (state ^ (state >> 30)) * 0xBF58_476D_1CE4_E5B9;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D0_49BB_1331_11EB;
            gear[index] = mixed ^ (mixed >> 31);
        }
        return gear;
    }
}
