using System.Buffers;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using Pachyderm.Errors;
using Pachyderm.ObjectStores;

namespace Pachyderm.Formats.Content;

/// <summary>
/// The content store of an upstream cluster (1.4 and 1.5 alike) in a directory: objects named by the SHA-512 of their content, and tags
/// that name objects (spec/storage.md section 5). Nothing is written but by <see cref="AddTagAsync"/> and <see cref="RemoveTagAsync"/>.
/// Safe for concurrent use.
/// </summary>
public abstract class LegacyContentStore
{
    /// <summary>Longest tree that is read into memory, in bytes.</summary>
    public const int MaxTreeBytes = 1 << 30;

    private const int ObjectHashLength = 128;
    private const int CopyBufferBytes = 256 * 1024;

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");
    private static readonly EnumerationOptions AllEntries = new() { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false };

    private protected LegacyContentStore(string rootPath) => RootPath = rootPath;

    /// <summary>The directory that holds <c>object</c> and <c>tag</c>, as an absolute path.</summary>
    public string RootPath { get; }

    /// <summary>Where the store is, for messages.</summary>
    public string Location => $"content store {RootPath}";

    /// <summary>How the store is laid out.</summary>
    public abstract LayoutKind Layout { get; }

    /// <summary>The directories that the layout may have, in byte order.</summary>
    internal static IReadOnlyList<string> DirectoryNames { get; } = ["block", "index", "object", "tag"];

    /// <summary>Opens the store in a directory and finds out its layout. Nothing is created.</summary>
    /// <param name="path">
    /// The storage root (the directory that holds <c>object</c>), or a directory with that root in <c>pach</c> or <c>pach/pach</c>.
    /// </param>
    /// <param name="cancellationToken">Ends the opening.</param>
    /// <exception cref="OperatorException">
    /// <c>content-store-not-found</c>, <c>content-layout-mixed</c>, or a failure of the file system.
    /// </exception>
    public static Task<LegacyContentStore> OpenAsync(string path, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        cancellationToken.ThrowIfCancellationRequested();
        string full = Path.GetFullPath(path);
        string[] candidates = [full, Path.Combine(full, "pach"), Path.Combine(full, "pach", "pach")];
        string root = Array.Find(candidates, IsRoot) ?? throw new OperatorException(
            "content-store-not-found",
            full,
            "it is no storage root: it has no directories 'object' and 'tag'",
            "give the directory that the cluster has as PACH_ROOT, or its parent");
        try
        {
            return Task.FromResult(Open(root, DetectLayout(root)));
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, root);
        }
    }

    /// <summary>Opens a storage root whose layout is known.</summary>
    internal static LegacyContentStore Open(string root, LayoutKind layout) =>
        layout == LayoutKind.Cloud ? new CloudContentStore(root) : new LocalContentStore(root);

    /// <summary>Whether a text is the hash of an object: 128 lower-case hexadecimal digits.</summary>
    public static bool IsObjectHash(string? text) =>
        text is { Length: ObjectHashLength } && !text.AsSpan().ContainsAnyExcept(HexDigits);

    /// <summary>Whether an object can be read: it is there, and in a cloud layout the bytes that it refers to are.</summary>
    /// <param name="hash">The object's hash.</param>
    /// <param name="cancellationToken">Ends the look-up.</param>
    /// <exception cref="OperatorException"><c>object-name-refused</c>: not an object hash.</exception>
    public async Task<bool> ObjectExistsAsync(string hash, CancellationToken cancellationToken) =>
        (await LocateAsync(Checked(hash), cancellationToken)).Status == ObjectStatus.Sound;

    /// <summary>Size of an object in bytes; null if it is missing.</summary>
    /// <exception cref="CorruptionException"><c>object-damaged</c>: it refers to bytes that are not there.</exception>
    public async Task<long?> GetObjectSizeAsync(string hash, CancellationToken cancellationToken) =>
        Present(hash, await LocateAsync(Checked(hash), cancellationToken))?.SizeBytes;

    /// <summary>Opens an object for reading from its first byte; null if it is missing. The bytes are not verified.</summary>
    /// <exception cref="CorruptionException"><c>object-damaged</c>: it refers to bytes that are not there.</exception>
    public async Task<Stream?> OpenObjectAsync(string hash, CancellationToken cancellationToken) =>
        Present(hash, await LocateAsync(Checked(hash), cancellationToken)) is { } found ? await OpenAsync(found, cancellationToken) : null;

    /// <summary>Reads a whole object and compares its SHA-512 with its name. Costs its size, in memory of one buffer.</summary>
    public async Task<ObjectCheck> VerifyObjectAsync(string hash, CancellationToken cancellationToken)
    {
        ObjectPlace place = await LocateAsync(Checked(hash), cancellationToken);
        if (place.Status != ObjectStatus.Sound)
        {
            return new ObjectCheck(place.Status, 0, place.Problem);
        }

        Stream? content = await OpenAsync(place, cancellationToken);
        if (content is null)
        {
            return new ObjectCheck(ObjectStatus.Missing, 0, "it vanished while it was read");
        }

        await using (content)
        {
            byte[] actual = await SHA512.HashDataAsync(content, cancellationToken);
            return string.Equals(Convert.ToHexStringLower(actual), hash, StringComparison.Ordinal)
                ? new ObjectCheck(ObjectStatus.Sound, place.SizeBytes, null)
                : new ObjectCheck(ObjectStatus.Damaged, place.SizeBytes, $"its content has the SHA-512 {Convert.ToHexStringLower(actual)}");
        }
    }

    /// <summary>The hash of the object that a tag names; null if there is no such tag.</summary>
    /// <exception cref="OperatorException"><c>tag-name-refused</c>: not the name of a tag.</exception>
    /// <exception cref="CorruptionException"><c>tag-damaged</c>, <c>index-damaged</c>.</exception>
    public abstract Task<string?> ResolveTagAsync(string tag, CancellationToken cancellationToken);

    /// <summary>Delivers each tag whose name begins with <paramref name="prefix"/> once, in byte order.</summary>
    /// <exception cref="CorruptionException"><c>tag-damaged</c>, <c>index-damaged</c>.</exception>
    public abstract IAsyncEnumerable<ContentTag> ListTagsAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Delivers each object once, in byte order of the hashes. Objects that refer to missing bytes are delivered too.</summary>
    /// <exception cref="CorruptionException"><c>object-damaged</c>, <c>index-damaged</c>.</exception>
    public async IAsyncEnumerable<ContentObject> ListObjectsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (ContentPlace place in ListPlacesAsync(cancellationToken))
        {
            yield return new ContentObject(place.Hash, place.SizeBytes);
        }
    }

    /// <summary>
    /// Delivers each object once, in byte order of the hashes, with the place of its bytes. Whether anything is there is not looked at.
    /// </summary>
    /// <exception cref="CorruptionException"><c>object-damaged</c>, <c>index-damaged</c>.</exception>
    public abstract IAsyncEnumerable<ContentPlace> ListPlacesAsync(CancellationToken cancellationToken);

    /// <summary>Makes a tag, durably, the way the layout does: a symbolic link, or a file with an <c>ObjectIndex</c>.</summary>
    /// <param name="tag">Name of the tag.</param>
    /// <param name="hash">The object that it names; it must exist.</param>
    /// <param name="cancellationToken">Ends the writing.</param>
    /// <returns>Whether the tag is new; false when it named this object already.</returns>
    /// <exception cref="OperatorException">
    /// <c>tag-conflict</c>: it names another object. <c>object-missing</c>: there is no such object.
    /// </exception>
    public async Task<bool> AddTagAsync(string tag, string hash, CancellationToken cancellationToken)
    {
        CheckTag(tag);
        if (!await ObjectExistsAsync(hash, cancellationToken))
        {
            throw Missing(hash, $"tag {tag} cannot name it");
        }

        string? existing = await ResolveTagAsync(tag, cancellationToken);
        if (existing is null && await WriteTagAsync(tag, hash, cancellationToken))
        {
            return true;
        }

        existing ??= await ResolveTagAsync(tag, cancellationToken);
        return string.Equals(existing, hash, StringComparison.Ordinal)
            ? false
            : throw new OperatorException(
                "tag-conflict", $"tag {tag}", $"it names object {existing} already, not {hash}", "remove the tag if it is wrong");
    }

    /// <summary>Removes a tag that is a file or link of its own. Index files are never changed.</summary>
    /// <returns>Whether there was one; false also for a tag that only an index holds.</returns>
    public abstract Task<bool> RemoveTagAsync(string tag, CancellationToken cancellationToken);

    /// <summary>Reads the tree that an object holds, after its SHA-512 was compared with its name.</summary>
    /// <exception cref="OperatorException"><c>object-missing</c>, <c>hashtree-version</c>.</exception>
    /// <exception cref="CorruptionException"><c>object-damaged</c>, <c>hashtree-damaged</c>.</exception>
    public async Task<HashTree> ReadHashTreeAsync(string objectHash, CancellationToken cancellationToken) =>
        HashTree.Parse(await ReadTreeBytesAsync(objectHash, cancellationToken), $"object {objectHash}");

    /// <summary>
    /// Reads the tree that an object holds, for whoever needs few of its nodes. Fails as <see cref="ReadHashTreeAsync"/> does.
    /// </summary>
    public async Task<CompactHashTree> ReadCompactTreeAsync(string objectHash, CancellationToken cancellationToken) =>
        CompactHashTree.Parse(await ReadTreeBytesAsync(objectHash, cancellationToken), $"object {objectHash}");

    /// <summary>
    /// Delivers every file and link of the store in byte order of the paths, for a backup. Files of which nothing is known are delivered
    /// too.
    /// </summary>
    public async IAsyncEnumerable<ContentFile> ListFilesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (string directory in DirectoryNames)
        {
            await foreach (ContentFile file in Guard(WalkFiles(directory), directory, cancellationToken))
            {
                yield return file;
            }
        }
    }

    /// <summary>Opens a file that <see cref="ListFilesAsync"/> delivered; null if it vanished.</summary>
    public Stream? OpenFile(ContentFile file)
    {
        string path = Path.Combine(RootPath, file.Path);
        try
        {
            return OpenPlain(path);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    /// <summary>
    /// A text that differs whenever an entry was added to or removed from a directory of the store in the meantime, by the directories'
    /// times of modification.
    /// </summary>
    public string GetChangeStamp() => string.Join(
        ' ', DirectoryNames.Select(name => new DirectoryInfo(Path.Combine(RootPath, name)))
            .Where(directory => directory.Exists)
            .Select(directory => $"{directory.Name}={directory.LastWriteTimeUtc.Ticks}"));

    /// <summary>Which of the directories of the layout exist, in byte order.</summary>
    public IReadOnlyList<string> GetDirectories() => [.. DirectoryNames.Where(name => Directory.Exists(Path.Combine(RootPath, name)))];

    /// <summary>Entries of the root that are no part of any layout, in byte order; at most <paramref name="limit"/> of them.</summary>
    public IReadOnlyList<string> GetForeignEntries(int limit) =>
        [.. new SortedDirectory(RootPath)
            .Read()
            .Select(entry => entry.Name)
            .Where(name => !DirectoryNames.Contains(name, StringComparer.Ordinal))
            .Take(limit)];

    private async Task<byte[]> ReadTreeBytesAsync(string objectHash, CancellationToken cancellationToken)
    {
        ObjectPlace place = Present(objectHash, await LocateAsync(Checked(objectHash), cancellationToken))
            ?? throw Missing(objectHash, "the tree cannot be read");
        if (place.SizeBytes > MaxTreeBytes)
        {
            throw Damaged(objectHash, $"a tree of {place.SizeBytes} bytes is longer than any that upstream could read");
        }

        await using Stream content = await OpenAsync(place, cancellationToken) ?? throw Missing(objectHash, "the tree cannot be read");
        byte[] bytes = new byte[place.SizeBytes];
        int read = await content.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellationToken);
        string actual = Convert.ToHexStringLower(SHA512.HashData(bytes.AsSpan(0, read)));
        return string.Equals(actual, objectHash, StringComparison.Ordinal)
            ? bytes
            : throw Damaged(objectHash, $"its content has the SHA-512 {actual}");
    }

    /// <summary>Finds where the bytes of an object are.</summary>
    private protected abstract Task<ObjectPlace> LocateAsync(string hash, CancellationToken cancellationToken);

    /// <summary>Opens what <see cref="LocateAsync"/> found; null if it vanished.</summary>
    private protected abstract Task<Stream?> OpenAsync(ObjectPlace place, CancellationToken cancellationToken);

    /// <summary>Writes a tag unless there is one of that name; false if there is.</summary>
    private protected abstract Task<bool> WriteTagAsync(string tag, string hash, CancellationToken cancellationToken);

    /// <summary>What the name of a file says of its content.</summary>
    private protected abstract ContentFileKind Classify(string path);

    private protected static FileStream OpenPlain(string path) => new(path, new FileStreamOptions
    {
        Mode = FileMode.Open,
        Access = FileAccess.Read,
        Share = FileShare.ReadWrite | FileShare.Delete,
        BufferSize = 0,
        Options = FileOptions.SequentialScan,
    });

    private protected static void CheckTag(string tag)
    {
        ArgumentNullException.ThrowIfNull(tag);
        if (!ObjectKey.IsValid(tag) || tag.Contains('/', StringComparison.Ordinal))
        {
            throw new OperatorException(
                "tag-name-refused", $"tag of {tag.Length} characters", "it is no name of a tag", "use the name of one file");
        }
    }

    private protected static CorruptionException Damaged(string hash, string problem, Exception? inner = null) => new(
        "object-damaged", $"object {hash}", problem, "restore the object from a backup", inner);

    private protected static CorruptionException TagDamaged(string tag, string problem, Exception? inner = null) => new(
        "tag-damaged", $"tag {tag}", problem,
        "restore the tag from a backup, or remove it: what it names is computed again when it is needed", inner);

    private protected async IAsyncEnumerable<T> Guard<T>(
        IEnumerable<T> items, string directory, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using IEnumerator<T> cursor = items.GetEnumerator();
        while (MoveNext())
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return cursor.Current;
        }

        await Task.CompletedTask;

        bool MoveNext()
        {
            try
            {
                return cursor.MoveNext();
            }
            catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
            {
                throw StorageErrors.Translate(exception, Path.Combine(RootPath, directory));
            }
        }
    }

    private static bool IsRoot(string path) =>
        Directory.Exists(Path.Combine(path, "object"))
        && (Directory.Exists(Path.Combine(path, "tag")) || Directory.Exists(Path.Combine(path, "block")));

    private static LayoutKind DetectLayout(string root)
    {
        bool cloud = HasFile("block") || HasFile("index");
        string tags = Path.Combine(root, "tag");
        bool links = Directory.Exists(tags)
            && new DirectoryInfo(tags).EnumerateFileSystemInfos("*", AllEntries).FirstOrDefault() is { LinkTarget: not null };
        return cloud && links
            ? throw new OperatorException(
                "content-layout-mixed",
                root,
                "it has blocks as the cloud layouts do, and tags that are symbolic links as the local layout does",
                "give the storage root of one cluster")
            : cloud ? LayoutKind.Cloud : LayoutKind.Local;

        bool HasFile(string name) =>
            Directory.Exists(Path.Combine(root, name))
                && Directory.EnumerateFileSystemEntries(Path.Combine(root, name), "*", AllEntries).Any();
    }

    private static string Checked(string hash)
    {
        ArgumentNullException.ThrowIfNull(hash);
        return IsObjectHash(hash)
            ? hash
            : throw new OperatorException(
                "object-name-refused",
                $"object name of {hash.Length} characters",
                "it is no object hash",
                "an object is named by 128 lower-case hexadecimal digits");
    }

    private static ObjectPlace? Present(string hash, ObjectPlace place) => place.Status switch
    {
        ObjectStatus.Sound => place,
        ObjectStatus.Missing => null,
        _ => throw Damaged(hash, place.Problem ?? "it cannot be read"),
    };

    private static OperatorException Missing(string hash, string consequence) => new(
        "object-missing", $"object {hash}", $"it does not exist, so {consequence}", "restore the object from a backup");

    private IEnumerable<ContentFile> WalkFiles(string directory)
    {
        foreach (DirectoryEntry entry in new SortedDirectory(Path.Combine(RootPath, directory)).Read())
        {
            string path = directory + "/" + entry.Name;
            if (entry.Name.StartsWith(ObjectKey.TemporaryPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            switch (entry.Kind)
            {
                case DirectoryEntryKind.Directory:
                    foreach (ContentFile below in WalkFiles(path))
                    {
                        yield return below;
                    }

                    break;
                case DirectoryEntryKind.Link:
                    string? target = new FileInfo(Path.Combine(RootPath, path)).LinkTarget;
                    if (target is not null)
                    {
                        yield return new ContentFile(path, ContentFileKind.Link, 0, target);
                    }

                    break;
                default:
                    yield return new ContentFile(path, Classify(path), entry.SizeBytes, null);
                    break;
            }
        }
    }

    /// <summary>Where the bytes of an object are.</summary>
    private protected readonly record struct ObjectPlace(ObjectStatus Status, string Path, long Offset, long SizeBytes, string? Problem)
    {
        internal static ObjectPlace None { get; } = new(ObjectStatus.Missing, "", 0, 0, "it does not exist");

        internal static ObjectPlace Broken(string problem) => new(ObjectStatus.Damaged, "", 0, 0, problem);
    }
}
