using System.Text;

namespace Pachyderm.Workers.Logs;

/// <summary>
/// Cuts what one stream of user code prints into lines for the sink. It holds one buffer, however much is printed, and reads on only when
/// the sink has taken the lines before.
/// </summary>
internal sealed class LinePump
{
    private readonly Stream _source;
    private readonly LogSource _stream;
    private readonly int _maxLine;
    private readonly byte[] _buffer;
    private int _start;
    private int _end;

    internal LinePump(Stream source, LogSource stream, int maxLineBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxLineBytes, 16);
        _source = source;
        _stream = stream;
        _maxLine = maxLineBytes;
        _buffer = new byte[maxLineBytes + EndMark.Length + (32 << 10)];
    }

    /// <summary>Passes lines on until the mark of the datum's end, or the end of the stream.</summary>
    /// <param name="datumId">Goes with each line.</param>
    /// <param name="mark">What tells the end of the datum; <see langword="null"/> where the stream's end does.</param>
    /// <param name="sink">Takes the lines.</param>
    /// <param name="cancellationToken">
    /// Stops passing lines on. Reading goes on to the end, so that a process that is about to end is not held up by its own output.
    /// </param>
    /// <returns>The mark as found, or <see langword="null"/> if the stream ended.</returns>
    internal async Task<EndMark?> PumpAsync(string datumId, string? mark, ILogSink sink, CancellationToken cancellationToken)
    {
        bool passOn = true;
        bool ended = false;
        while (true)
        {
            EndMark? found = mark is null ? null : EndMark.Find(_buffer.AsSpan(_start, _end - _start), mark);
            int limit = found is null ? _end : _end - EndMark.Length;
            while (TakeLine(limit, final: ended || found is not null, out int length, out bool terminated))
            {
                if (passOn)
                {
                    passOn = await PassOnAsync(datumId, length, terminated, sink, cancellationToken).ConfigureAwait(false);
                }

                _start += length + (terminated ? 1 : 0);
            }

            if (ended || found is not null)
            {
                _start = _end = 0;
                return found;
            }

            MakeRoom();
            // The token is left out on purpose: see above.
            int read = await _source.ReadAsync(_buffer.AsMemory(_end), CancellationToken.None).ConfigureAwait(false);
            ended = read == 0;
            _end += read;
        }
    }

    private void MakeRoom()
    {
        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (_start > 0 && _buffer.Length - _end < 4096)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            _end -= _start;
            _start = 0;
        }
    }

    private bool TakeLine(int limit, bool final, out int length, out bool terminated)
    {
        ReadOnlySpan<byte> rest = _buffer.AsSpan(_start, limit - _start);
        int newline = rest.IndexOf((byte)'\n');
        terminated = newline >= 0 && newline <= _maxLine;
        if (terminated)
        {
            length = newline;
            return true;
        }

        // What may be the beginning of a mark stays until more is known.
        if (newline < 0 && rest.Length <= (final ? _maxLine : _maxLine + EndMark.Length))
        {
            length = rest.Length;
            return final && length > 0;
        }

        length = _maxLine;
        for (int back = 0; back < 3 && (rest[length] & 0xC0) == 0x80; back++)
        {
            length--;
        }

        return true;
    }

    private async ValueTask<bool> PassOnAsync(
        string datumId, int length, bool terminated, ILogSink sink, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return false;
        }

        try
        {
            string text = Encoding.UTF8.GetString(_buffer, _start, length);
            await sink.WriteAsync(new LogLine(datumId, _stream, text, terminated), cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
