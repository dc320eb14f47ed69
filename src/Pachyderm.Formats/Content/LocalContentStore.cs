using System.Runtime.CompilerServices;
using Pachyderm.ObjectStores;

namespace Pachyderm.Formats.Content;

/// <summary>
/// The local layout: <c>object/&lt;sha512&gt;</c> holds the content, <c>tag/&lt;tag&gt;</c> is a symbolic link to the absolute path of
/// the object as the server saw it, often in a container. Only the last element of that path counts; links are never followed.
/// </summary>
internal sealed class LocalContentStore(string rootPath) : LegacyContentStore(rootPath)
{
    private const string UpstreamObjectDirectory = "/pach/object";

    public override LayoutKind Layout => LayoutKind.Local;

    public override Task<string?> ResolveTagAsync(string tag, CancellationToken cancellationToken)
    {
        CheckTag(tag);
        cancellationToken.ThrowIfCancellationRequested();
        string path = TagPath(tag);
        try
        {
            FileInfo link = new(path);
            return Task.FromResult(link.LinkTarget is { } target ? ReadTarget(tag, target)
                : link.Exists || Directory.Exists(path) ? throw TagDamaged(tag, "it is no symbolic link")
                : null);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    public override async IAsyncEnumerable<ContentTag> ListTagsAsync(
        string prefix, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        SortedDirectory directory = new(Path.Combine(RootPath, "tag"));
        await foreach (DirectoryEntry entry in Guard(directory.Read(prefix), "tag", cancellationToken))
        {
            // A tag may be removed between the listing and the look at it.
            if (await ResolveTagAsync(entry.Name, cancellationToken) is { } hash)
            {
                yield return new ContentTag(entry.Name, hash);
            }
        }
    }

    public override async IAsyncEnumerable<ContentPlace> ListPlacesAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Files of other names are uploads that never finished.
        ObjectDirectory directory = new(Path.Combine(RootPath, "object"));
        await foreach ((string hash, long size) in Guard(directory.Read(), "object", cancellationToken))
        {
            yield return new ContentPlace(hash, "object/" + hash, 0, size);
        }
    }

    public override Task<bool> RemoveTagAsync(string tag, CancellationToken cancellationToken)
    {
        CheckTag(tag);
        cancellationToken.ThrowIfCancellationRequested();
        string path = TagPath(tag);
        try
        {
            if (new FileInfo(path).LinkTarget is null)
            {
                return Task.FromResult(false);
            }

            File.Delete(path);
            DurableFiles.FlushDirectory(Path.Combine(RootPath, "tag"));
            return Task.FromResult(true);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    private protected override Task<ObjectPlace> LocateAsync(string hash, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        string path = Path.Combine(RootPath, "object", hash);
        try
        {
            FileInfo file = new(path);
            return Task.FromResult(file.LinkTarget is not null ? ObjectPlace.Broken("it is a symbolic link")
                : file.Exists ? new ObjectPlace(ObjectStatus.Sound, path, 0, file.Length, null)
                : ObjectPlace.None);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    private protected override Task<Stream?> OpenAsync(ObjectPlace place, CancellationToken cancellationToken)
    {
        try
        {
            return Task.FromResult<Stream?>(OpenPlain(place.Path));
        }
        catch (FileNotFoundException)
        {
            return Task.FromResult<Stream?>(null);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, place.Path);
        }
    }

    private protected override Task<bool> WriteTagAsync(string tag, string hash, CancellationToken cancellationToken)
    {
        string path = TagPath(tag);
        try
        {
            DurableFiles.CreateDirectory(Path.Combine(RootPath, "tag"));
            File.CreateSymbolicLink(path, $"{ObjectDirectoryOfServer()}/{hash}");
            DurableFiles.FlushDirectory(Path.Combine(RootPath, "tag"));
            return Task.FromResult(true);
        }
        catch (IOException) when (new FileInfo(path).LinkTarget is not null)
        {
            return Task.FromResult(false);
        }
        catch (Exception exception) when (StorageErrors.IsStorageFailure(exception))
        {
            throw StorageErrors.Translate(exception, path);
        }
    }

    private protected override ContentFileKind Classify(string path) =>
        path.StartsWith("object/", StringComparison.Ordinal) && IsObjectHash(path["object/".Length..])
            ? ContentFileKind.HashedObject
            : ContentFileKind.Other;

    private static string ReadTarget(string tag, string target)
    {
        string last = target[(target.LastIndexOf('/') + 1)..];
        return IsObjectHash(last) ? last : throw TagDamaged(tag, "its target is no object");
    }

    // A new link must look like its siblings, since a server follows it: the path of the objects depends on its PACH_ROOT.
    private string ObjectDirectoryOfServer()
    {
        string? target = new DirectoryInfo(Path.Combine(RootPath, "tag")).EnumerateFileSystemInfos()
            .Select(sibling => sibling.LinkTarget)
            .FirstOrDefault(
                sibling => sibling is not null && sibling.StartsWith('/') && IsObjectHash(sibling[(sibling.LastIndexOf('/') + 1)..]));
        return target is null ? UpstreamObjectDirectory : target[..target.LastIndexOf('/')];
    }

    private string TagPath(string tag) => Path.Combine(RootPath, "tag", tag);
}
