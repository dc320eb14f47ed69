using System.Buffers;
using Pachyderm.Formats.Schema;

namespace Pachyderm.Formats.Text;

/// <summary>
/// Wire bytes under construction, and the runs of fields inside the messages that are still open. One per thread is kept between records,
/// so that a record costs no allocation.
/// </summary>
internal sealed class WireBuffer
{
    private const int KeptCapacity = 1 << 20;

    [ThreadStatic]
    private static WireBuffer? _kept;

    private byte[] _copy = [];

    // A run is a stretch of one field's elements. Its end is the next run's start, or the end of its message.
    private int[] _runStarts = new int[64];
    private int[] _runNumbers = new int[64];

    public byte[] Bytes { get; private set; } = new byte[1024];

    public int RunCount { get; private set; }

    public static WireBuffer Take()
    {
        var buffer = _kept ?? new WireBuffer();
        _kept = null;
        buffer.RunCount = 0;
        return buffer;
    }

    public static void Return(WireBuffer buffer)
    {
        if (buffer.Bytes.Length + buffer._copy.Length + (buffer._runStarts.Length * 8) <= KeptCapacity)
        {
            _kept = buffer;
        }
    }

    public void Grow(int used, int wanted)
    {
        var larger = new byte[Math.Max(checked(used + wanted), Math.Min(Bytes.Length * 2L, Array.MaxLength))];
        Bytes.AsSpan(0, used).CopyTo(larger);
        Bytes = larger;
    }

    public void StartRun(int number, int start)
    {
        if (RunCount == _runStarts.Length)
        {
            Array.Resize(ref _runStarts, RunCount * 2);
            Array.Resize(ref _runNumbers, RunCount * 2);
        }

        _runStarts[RunCount] = start;
        _runNumbers[RunCount++] = number;
    }

    public void DropRuns(int firstRun) => RunCount = firstRun;

    /// <summary>
    /// Puts the runs of a message into ascending order of field numbers, elements of one field in the order of the text, and joins the
    /// blocks of a packed field into one.
    /// </summary>
    /// <returns>The new end of the message, never beyond <paramref name="end"/>.</returns>
    public int SortRuns(MessageShape shape, int firstRun, int end)
    {
        int count = RunCount - firstRun;
        int start = _runStarts[firstRun];
        long[]? rented = count > 64 ? ArrayPool<long>.Shared.Rent(count) : null;
        var order = rented is null ? stackalloc long[count] : rented.AsSpan(0, count);
        for (int i = 0; i < count; i++)
        {
            order[i] = ((long)_runNumbers[firstRun + i] << 32) | (uint)i;
        }

        order.Sort();
        if (_copy.Length < end - start)
        {
            _copy = new byte[Math.Max(end - start, Bytes.Length)];
        }

        int length = 0;
        for (int i = 0; i < count;)
        {
            int number = (int)(order[i] >> 32);
            int next = i + 1;
            while (next < count && (int)(order[next] >> 32) == number)
            {
                next++;
            }

            var field = next - i > 1 ? shape.Find(number) : null;
            if (field is { IsPacked: true })
            {
                length = JoinPacked(field, order[i..next], firstRun, end, length);
            }
            else
            {
                foreach (long key in order[i..next])
                {
                    var run = Run((int)(uint)key, firstRun, end);
                    run.CopyTo(_copy.AsSpan(length));
                    length += run.Length;
                }
            }

            i = next;
        }

        if (rented is not null)
        {
            ArrayPool<long>.Shared.Return(rented);
        }

        _copy.AsSpan(0, length).CopyTo(Bytes.AsSpan(start));
        return start + length;
    }

    private ReadOnlySpan<byte> Run(int index, int firstRun, int end)
    {
        int start = _runStarts[firstRun + index];
        int stop = firstRun + index + 1 < RunCount ? _runStarts[firstRun + index + 1] : end;
        return Bytes.AsSpan(start, stop - start);
    }

    private int JoinPacked(FieldShape field, ReadOnlySpan<long> runs, int firstRun, int end, int length)
    {
        ulong total = 0;
        foreach (long key in runs)
        {
            Wire.TryReadVarint(Run((int)(uint)key, firstRun, end)[field.TagBytes.Length..], out ulong size, out _);
            total += size;
        }

        field.TagBytes.CopyTo(_copy, length);
        length += field.TagBytes.Length;
        length += Wire.WriteVarint(_copy.AsSpan(length), total);
        foreach (long key in runs)
        {
            var run = Run((int)(uint)key, firstRun, end)[field.TagBytes.Length..];
            Wire.TryReadVarint(run, out _, out int prefix);
            run[prefix..].CopyTo(_copy.AsSpan(length));
            length += run.Length - prefix;
        }

        return length;
    }
}
