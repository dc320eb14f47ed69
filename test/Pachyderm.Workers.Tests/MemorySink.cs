using System.Text;

namespace Pachyderm.Workers.Tests;

/// <summary>Keeps output as text: content for files, <c>/</c> for empty directories, <c>input:path</c> for links to inputs.</summary>
internal sealed class MemorySink : IOutputSink
{
    public SortedDictionary<string, string> Entries { get; } = new(StringComparer.Ordinal);

    /// <summary>Inputs and paths that exist, such as <c>in:/a</c>; <see langword="null"/> is all.</summary>
    public HashSet<string>? Known { get; init; }

    public async Task AddFileAsync(string path, Stream content, CancellationToken cancellationToken)
    {
        using StreamReader reader = new(content, Encoding.UTF8);
        Entries.Add(path, await reader.ReadToEndAsync(cancellationToken));
    }

    public Task AddDirectoryAsync(string path, CancellationToken cancellationToken)
    {
        Entries.Add(path, "/");
        return Task.CompletedTask;
    }

    public Task<bool> AddInputAsync(string path, string inputName, string inputPath, CancellationToken cancellationToken)
    {
        if (Known is not null && !Known.Contains($"{inputName}:{inputPath}"))
        {
            return Task.FromResult(false);
        }

        Entries.Add(path, $"{inputName}:{inputPath}");
        return Task.FromResult(true);
    }

    public override string ToString() => string.Join(" ", Entries.Select(entry => $"{entry.Key}={entry.Value.TrimEnd('\n')}"));
}

/// <summary>Counts what comes and keeps the first and last lines.</summary>
internal sealed class MemoryLog : ILogSink
{
    private readonly Lock _lock = new();

    public List<LogLine> Lines { get; } = [];

    public long Count { get; private set; }

    public long Characters { get; private set; }

    /// <summary>Called with each line.</summary>
    public Func<LogLine, CancellationToken, ValueTask> Observe { get; init; } = (_, _) => ValueTask.CompletedTask;

    public async ValueTask WriteAsync(LogLine line, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            Count++;
            Characters += line.Text.Length + (line.Terminated ? 1 : 0);
            if (Lines.Count < 1000)
            {
                Lines.Add(line);
            }
        }

        await Observe(line, cancellationToken);
    }

    public override string ToString()
    {
        lock (_lock)
        {
            return string.Join("|", Lines.Select(line => line.Text));
        }
    }
}
