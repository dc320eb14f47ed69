using System.Globalization;
using Pachyderm.Migration.Engine;

namespace Pachyderm.Pachctl.Output;

/// <summary>Shows progress on standard error: one line that is written over on a terminal, plain lines elsewhere.</summary>
internal sealed class ConsoleObserver(TimeProvider time) : IMigrationObserver
{
    private static readonly TimeSpan Redraw = TimeSpan.FromMilliseconds(100);

    private readonly bool _isTerminal = !Console.IsErrorRedirected;
    private readonly Lock _gate = new();
    private string _phase = "";
    private long? _total;
    private long _done;
    private long _started;
    private long _drawn;

    /// <inheritdoc/>
    public void PhaseStarted(string phase, long? total)
    {
        lock (_gate)
        {
            (_phase, _total, _done, _started) = (phase, total, 0, time.GetTimestamp());
            _drawn = _started;
            if (_isTerminal)
            {
                Console.Error.Write($"\r\x1b[K{phase} ...");
            }
        }
    }

    /// <inheritdoc/>
    public void Advanced(long records)
    {
        lock (_gate)
        {
            _done += records;
            if (_isTerminal && time.GetElapsedTime(_drawn) >= Redraw)
            {
                _drawn = time.GetTimestamp();
                Console.Error.Write($"\r\x1b[K{_phase}: {Describe()}");
            }
        }
    }

    /// <inheritdoc/>
    public void PhaseEnded(string phase)
    {
        lock (_gate)
        {
            string line = _done > 0 ? $"{phase}: {Describe()}" : phase;
            string seconds = time.GetElapsedTime(_started).TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
            Console.Error.WriteLine($"{(_isTerminal ? "\r\x1b[K" : "")}{line}, {seconds} s");
        }
    }

    /// <inheritdoc/>
    public void Say(string line)
    {
        lock (_gate)
        {
            Console.Error.WriteLine($"{(_isTerminal ? "\r\x1b[K" : "")}{line}");
        }
    }

    private string Describe()
    {
        double seconds = Math.Max(time.GetElapsedTime(_started).TotalSeconds, 0.001);
        double rate = _done / seconds;
        string text = string.Create(CultureInfo.InvariantCulture, $"{_done:N0} records, {rate:N0}/s");
        return _total is { } total && total > _done
            ? string.Create(CultureInfo.InvariantCulture, $"{text}, {100.0 * _done / total:0} %, {TimeSpan.FromSeconds((total - _done) / rate):hh\\:mm\\:ss} left")
            : text;
    }
}
