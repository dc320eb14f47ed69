using System.IO.Pipes;
using Microsoft.Win32.SafeHandles;
using Pachyderm.Errors;
using Pachyderm.Workers.Native;

namespace Pachyderm.Workers.Scratch;

/// <summary>
/// Files that are named pipes until somebody opens them. Each is held open while the command runs, so that opening it for reading does not
/// wait; the kernel then tells of the opening, and the content is streamed once. Before its end is signalled the name is removed, so that a
/// second reader gets an error rather than waiting for ever.
/// </summary>
internal sealed class LazyFiles
{
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly HashSet<string> _directories = new(StringComparer.Ordinal);
    private long _bytes;

    /// <summary>Bytes streamed so far.</summary>
    internal long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Takes note of a pipe.</summary>
    internal void Add(string directory, string name, IInputFile file)
    {
        _directories.Add(directory);
        _entries.Add($"{directory}/{name}", new Entry(file));
    }

    /// <summary>
    /// Serves the pipes until the result is disposed.
    /// </summary>
    /// <param name="moved">Where the pipes are now, given where they were made.</param>
    /// <param name="failed">Called once if content cannot be fetched: the command is to be ended, as it would wait for ever.</param>
    internal Service Serve(Func<string, string> moved, Action<Exception> failed) => new(this, moved, failed);

    private sealed class Entry(IInputFile file)
    {
        internal IInputFile File { get; } = file;

        internal SafeFileHandle? Held { get; set; }

        internal SafeFileHandle? Directory { get; set; }
    }

    /// <summary>The pipes while the command runs.</summary>
    internal sealed class Service : IAsyncDisposable
    {
        private readonly LazyFiles _files;
        private readonly Action<Exception> _failed;
        private readonly Dictionary<string, Entry> _waiting = new(StringComparer.Ordinal);
        private readonly Dictionary<string, SafeFileHandle> _directories = new(StringComparer.Ordinal);
        private readonly List<Task> _streams = [];
        private readonly OpenNotifications _notifications = new();
        private readonly CancellationTokenSource _stop = new();

        internal Service(LazyFiles files, Func<string, string> moved, Action<Exception> failed)
        {
            _files = files;
            _failed = failed;
            try
            {
                // Paths are safe to use only until the command starts: later it may have put links in their way.
                foreach (string made in files._directories)
                {
                    string directory = moved(made);
                    _directories.Add(directory, Posix.Open(directory: null, Posix.Bytes(directory), Posix.DirectoryOnly | Posix.NoFollow));
                }

                foreach ((string path, Entry entry) in files._entries)
                {
                    string place = moved(path);
                    entry.Directory = _directories[Path.GetDirectoryName(place)!];
                    entry.Held = Hold(place, files._entries.Count);
                    _waiting.Add(place, entry);
                }

                // Only now, so that the openings above are not told.
                foreach (string directory in _directories.Keys)
                {
                    _notifications.Add(directory);
                }
            }
            catch
            {
                Release();
                ReleaseDirectories();
                _notifications.Dispose();
                _stop.Dispose();
                throw;
            }

            _notifications.Start(Opened);
        }

        /// <inheritdoc/>
        public async ValueTask DisposeAsync()
        {
            _notifications.Dispose();
            Release();
            await _stop.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(_streams).ConfigureAwait(false);
            ReleaseDirectories();
            _stop.Dispose();
        }

        private static SafeFileHandle Hold(string place, int count) =>
            Posix.TryOpen(directory: null, Posix.Bytes(place), Posix.ReadWrite | Posix.NonBlocking | Posix.NoFollow, out int error)
            ?? throw (error is Posix.TooManyOpenFiles or Posix.TooManyOpenFilesInSystem
                ? new OperatorException("too-many-lazy-files", "lazy inputs", $"a datum has {count} lazy files, each an open file meanwhile",
                    "raise the limit of open files (ulimit -n), or make the inputs not lazy")
                : Posix.Failure(error, Posix.Bytes(place)));

        private void Release()
        {
            foreach (Entry entry in _waiting.Values)
            {
                entry.Held?.Dispose();
            }
        }

        private void ReleaseDirectories()
        {
            foreach (SafeFileHandle directory in _directories.Values)
            {
                directory.Dispose();
            }
        }

        private void Opened(string? directory, string? name)
        {
            if (directory is null)
            {
                _failed(new IOException("more lazy files were opened at once than the kernel tells of"));
            }
            else if (_waiting.Remove($"{directory}/{name}", out Entry? entry))
            {
                _streams.Add(Task.Run(() => StreamAsync(entry, Posix.Bytes(name!), _stop.Token), CancellationToken.None));
            }
        }

        private async Task StreamAsync(Entry entry, byte[] name, CancellationToken cancellationToken)
        {
            using SafeFileHandle held = entry.Held!;
            ReaderStream? reader = null;
            try
            {
                using SafePipeHandle pipe = Posix.OpenPipeForWriting(held);
                // From here on the pipe breaks when its reader leaves.
                held.Dispose();
                await using AnonymousPipeClientStream stream = new(PipeDirection.Out, pipe);
                reader = new ReaderStream(stream);
                await entry.File.CopyToAsync(reader, cancellationToken).ConfigureAwait(false);
                Posix.Unlink(entry.Directory!, name, isDirectory: false);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // The command has ended, and with it the reader.
                return;
            }
            catch (Exception failure) when (reader is not { Left: true })
            {
                _failed(failure);
            }
            catch (Exception failure) when (failure is IOException or ObjectDisposedException)
            {
                // A reader may stop early, as head does.
                Posix.Unlink(entry.Directory!, name, isDirectory: false);
            }
            finally
            {
                Interlocked.Add(ref _files._bytes, reader?.Written ?? 0);
            }
        }
    }
}
