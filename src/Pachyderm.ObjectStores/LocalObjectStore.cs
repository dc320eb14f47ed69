using System.Runtime.CompilerServices;
using Pachyderm.Errors;

namespace Pachyderm.ObjectStores;

/// <summary>
/// An object store in a local directory: each object is the file whose relative path is its key. A put writes a file of a reserved
/// name beside the target, flushes it, renames it and flushes the directory, so that after a power loss the object is there wholly or
/// not at all. Symbolic links below the root are neither listed nor followed; the root itself may be one.
/// </summary>
/// <param name="root">The directory; it is created by the first put.</param>
/// <param name="time">Clock for the age of abandoned writes; the system's if null.</param>
/// <param name="listingWindow">Names held in memory for one directory of a listing; see <see cref="SortedDirectory"/>.</param>
public sealed class LocalObjectStore(string root, TimeProvider? time = null, int listingWindow = SortedDirectory.DefaultWindow)
    : IObjectStore, IObjectStoreMaintenance, ILocalFiles
{
    private const int CopyBufferBytes = 256 * 1024;

    private readonly string _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
    private readonly TimeProvider _time = time ?? TimeProvider.System;

    /// <summary>The directory, as an absolute path.</summary>
    public string RootPath => _root;

    /// <inheritdoc/>
    public string Location => $"directory {_root}";

    /// <inheritdoc/>
    public async Task<bool> PutAsync(string key, Stream content, bool overwrite, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(content);
        cancellationToken.ThrowIfCancellationRequested();
        string path = Resolve(key);
        string temporary = Path.Combine(Path.GetDirectoryName(path)!, ObjectKey.TemporaryPrefix + Guid.NewGuid().ToString("N"));
        try
        {
            RefuseLinks(key);
            if (!overwrite && Exists(path))
            {
                return false;
            }

            CreateParents(key);
            await WriteTemporaryAsync(temporary, content, cancellationToken);
            cancellationToken.ThrowIfCancellationRequested();
            if (overwrite)
            {
                File.Move(temporary, path, overwrite: true);
            }
            else if (!DurableFiles.TryRenameToNew(temporary, path))
            {
                return Directory.Exists(path) ? throw Conflict(path, inner: null) : false;
            }

            DurableFiles.FlushDirectory(Path.GetDirectoryName(path)!);
            return true;
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw Explain(exception, path);
        }
        finally
        {
            DeleteQuietly(temporary);
        }
    }

    /// <inheritdoc/>
    public Task<Stream?> OpenReadAsync(string key, long offset, long? length, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfNegative(length.GetValueOrDefault(), nameof(length));
        cancellationToken.ThrowIfCancellationRequested();
        string path = Resolve(key);
        try
        {
            RefuseLinks(key);
            if (Find(path) is null)
            {
                return Task.FromResult<Stream?>(null);
            }

            FileStream file = new(path, new FileStreamOptions
            {
                Mode = FileMode.Open,
                Access = FileAccess.Read,
                Share = FileShare.ReadWrite | FileShare.Delete,
                BufferSize = 0,
            });
            file.Position = offset;
            return Task.FromResult<Stream?>(length is { } limit ? new BoundedReadStream(file, limit) : file);
        }
        catch (FileNotFoundException)
        {
            // Deleted between the look and the opening.
            return Task.FromResult<Stream?>(null);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    /// <inheritdoc/>
    public Task<ObjectProperties?> GetPropertiesAsync(string key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        string path = Resolve(key);
        try
        {
            RefuseLinks(key);
            return Task.FromResult<ObjectProperties?>(Find(path) is { } size ? new ObjectProperties(key, size) : null);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<ObjectProperties> ListAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        int slash = prefix.LastIndexOf('/');
        if (slash >= 0)
        {
            ObjectKey.Check(prefix[..slash]);
            RefuseLinks(prefix);
        }

        string directory = prefix[..(slash + 1)];
        using IEnumerator<ObjectProperties> keys = Walk(directory, prefix[(slash + 1)..]).GetEnumerator();
        while (MoveNext(keys, directory))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return keys.Current;
        }

        await Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task DeleteAsync(string key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        string path = Resolve(key);
        try
        {
            RefuseLinks(key);
            if (Exists(path) && !Directory.Exists(path))
            {
                File.Delete(path);
                DurableFiles.FlushDirectory(Path.GetDirectoryName(path)!);
            }

            return Task.CompletedTask;
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    /// <inheritdoc/>
    public bool TryAdopt(string key, string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        string target = Resolve(key);
        try
        {
            RefuseLinks(key);
            CreateParents(key);

            // The second call after one that failed behind its renaming has only the directories left to flush.
            bool done = !File.Exists(path) && Exists(target);
            if (!done && !DurableFiles.TryRename(path, target))
            {
                return false;
            }

            // The new name first: a power loss in between may leave both names, never none.
            DurableFiles.FlushDirectory(Path.GetDirectoryName(target)!);
            DurableFiles.FlushDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            return true;
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw Explain(exception, target);
        }
    }

    /// <inheritdoc/>
    public string GetPath(string key) => Resolve(key);

    /// <inheritdoc/>
    public Task<int> RemoveAbandonedWritesAsync(TimeSpan minimumAge, CancellationToken cancellationToken)
    {
        DateTime newest = (_time.GetUtcNow() - minimumAge).UtcDateTime;
        int removed = 0;
        EnumerationOptions options = new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        try
        {
            if (!Directory.Exists(_root))
            {
                return Task.FromResult(0);
            }

            foreach (string path in Directory.EnumerateFiles(_root, ObjectKey.TemporaryPrefix + "*", options))
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (File.GetLastWriteTimeUtc(path) <= newest)
                {
                    File.Delete(path);
                    removed++;
                }
            }

            return Task.FromResult(removed);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, _root);
        }
    }

    private static async Task WriteTemporaryAsync(string path, Stream content, CancellationToken cancellationToken)
    {
        await using FileStream file = new(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            Share = FileShare.None,
            BufferSize = 0,
        });
        await content.CopyToAsync(file, CopyBufferBytes, cancellationToken);
        file.Flush(flushToDisk: true);
    }

    private static bool Exists(string path) => new FileInfo(path) is { } file && (file.Exists || file.LinkTarget is not null);

    private static long? Find(string path)
    {
        FileInfo file = new(path);
        if (file.LinkTarget is not null)
        {
            throw Link(path);
        }

        return file.Exists ? file.Length : null;
    }

    private static void DeleteQuietly(string temporary)
    {
        try
        {
            File.Delete(temporary);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            // The write's own outcome matters more; what is left goes with RemoveAbandonedWritesAsync.
        }
    }

    private static OperatorException Link(string path) => new(
        "object-path-link", path, "a symbolic link is in the way", "replace it by a plain file or directory; links could lead out of the store");

    private static OperatorException Conflict(string path, Exception? inner) => new(
        "object-key-conflict", path, "the key is taken by a directory of other objects", "use another key", inner);

    private static OperatorException Explain(Exception exception, string path)
    {
        if (Directory.Exists(path))
        {
            return Conflict(path, exception);
        }

        return StorageErrors.Translate(exception, path);
    }

    private string Resolve(string key)
    {
        ObjectKey.Check(key);
        return Path.Combine(_root, key);
    }

    private void CreateParents(string key)
    {
        DurableFiles.CreateDirectory(_root);
        for (int slash = key.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = key.IndexOf('/', slash + 1))
        {
            string parent = Path.Combine(_root, key[..slash]);
            if (File.Exists(parent))
            {
                throw new OperatorException("object-key-conflict", parent, "a part of the key is taken by an object", "use another key");
            }

            DurableFiles.CreateDirectory(parent);
        }
    }

    private void RefuseLinks(string key)
    {
        for (int slash = key.IndexOf('/', StringComparison.Ordinal); slash > 0; slash = key.IndexOf('/', slash + 1))
        {
            string parent = Path.Combine(_root, key[..slash]);
            if (new DirectoryInfo(parent).LinkTarget is not null)
            {
                throw Link(parent);
            }
        }
    }

    private IEnumerable<ObjectProperties> Walk(string directory, string namePrefix)
    {
        SortedDirectory sorted = new(Path.Combine(_root, directory), listingWindow);
        foreach (DirectoryEntry entry in sorted.Read(namePrefix))
        {
            if (entry.Name.StartsWith(ObjectKey.TemporaryPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            string key = directory + entry.Name;
            if (entry.Kind == DirectoryEntryKind.File)
            {
                yield return new ObjectProperties(key, entry.SizeBytes);
            }
            else if (entry.Kind == DirectoryEntryKind.Directory)
            {
                foreach (ObjectProperties below in Walk(key + "/", ""))
                {
                    yield return below;
                }
            }
        }
    }

    private bool MoveNext(IEnumerator<ObjectProperties> keys, string directory)
    {
        try
        {
            return keys.MoveNext();
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, Path.Combine(_root, directory));
        }
    }
}
