namespace Pachyderm.EndToEnd.Tests.Support;

/// <summary>Waits until a file is made and written that is not there yet.</summary>
public sealed class FileAppearance : IDisposable
{
    private readonly TaskCompletionSource _made = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly FileSystemWatcher _watcher;

    /// <summary>Begins to watch.</summary>
    public FileAppearance(string path)
    {
        Assert.False(File.Exists(path));
        _watcher = new FileSystemWatcher(Path.GetDirectoryName(path)!, Path.GetFileName(path));

        _watcher.Changed += (_, _) => Look(path);
        _watcher.Created += (_, _) => Look(path);
        _watcher.Renamed += (_, _) => Look(path);
        _watcher.EnableRaisingEvents = true;
    }

    /// <summary>Waits for the file.</summary>
    public Task WaitAsync() => _made.Task.WaitAsync(TestContext.Current.CancellationToken);

    /// <inheritdoc/>
    public void Dispose() => _watcher.Dispose();

    private void Look(string path)
    {
        if (new FileInfo(path) is { Exists: true, Length: > 0 })
        {
            _made.TrySetResult();
        }
    }
}
