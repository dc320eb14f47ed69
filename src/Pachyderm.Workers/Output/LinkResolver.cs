using Microsoft.Win32.SafeHandles;
using Pachyderm.Workers.Native;

namespace Pachyderm.Workers.Output;

/// <summary>
/// Follows symbolic links as user code would see them, with <c>/pfs</c> for the whole world: step by step, from one open directory to the
/// next, so that no link leads to a file of this machine.
/// </summary>
/// <param name="pfs">The directory that user code saw as <c>/pfs</c>.</param>
/// <param name="names">Absolute names that user code had for it, without a final slash.</param>
internal sealed class LinkResolver(SafeFileHandle pfs, IReadOnlyList<string> names)
{
    private const int MostLinks = 40;

    /// <summary>Finds what a link leads to in the end.</summary>
    /// <param name="linkPath">The link, relative to <c>/pfs/out</c> with a leading slash, for messages.</param>
    /// <param name="directory">The directory that holds it, as names below <c>/pfs</c>.</param>
    /// <param name="target">The text of the link.</param>
    internal ResolvedLink Resolve(string linkPath, IReadOnlyList<string> directory, byte[] target)
    {
        string shown = $"/pfs/out{linkPath} links to {OddNames.Show(target)}";
        List<string> position = [];
        List<SafeFileHandle> handles = [];
        try
        {
            Stack<string> pending = new();
            int links = 1;
            if (!PushTarget(pending, target, shown))
            {
                foreach (string name in directory)
                {
                    handles.Add(OutputDirectory.OpenDirectory(handles.Count == 0 ? pfs : handles[^1], Posix.Bytes(name)));
                    position.Add(name);
                }
            }

            while (pending.TryPop(out string? step))
            {
                if (step is "" or ".")
                {
                    continue;
                }

                if (step == "..")
                {
                    StepUp(position, handles, shown);
                    continue;
                }

                SafeFileHandle parent = handles.Count == 0 ? pfs : handles[^1];
                byte[] name = Posix.Bytes(step);
                FileStatus status = Posix.Status(parent, name) ?? throw new BadOutputException($"{shown}, where nothing is");
                if (status.Kind == FileKind.SymbolicLink)
                {
                    if (++links > MostLinks)
                    {
                        throw new BadOutputException($"{shown}, and so on without an end");
                    }

                    if (PushTarget(pending, Posix.ReadLink(parent, name), shown))
                    {
                        StepOut(position, handles);
                    }
                }
                else if (status.Kind == FileKind.Directory)
                {
                    handles.Add(OutputDirectory.OpenDirectory(parent, name));
                    position.Add(step);
                }
                else if (pending.All(rest => rest is "" or "."))
                {
                    SafeFileHandle holder = handles.Count == 0 ? pfs : handles[^1];
                    bool isShared = handles.Count == 0;
                    if (!isShared)
                    {
                        handles.RemoveAt(handles.Count - 1);
                    }

                    return new ResolvedLink([.. position, step], status.Kind, holder, name, OwnsHandle: !isShared);
                }
                else
                {
                    throw new BadOutputException($"{shown}, where nothing is");
                }
            }

            if (handles.Count == 0)
            {
                throw new BadOutputException($"{shown}, which is /pfs itself");
            }

            SafeFileHandle found = handles[^1];
            handles.RemoveAt(handles.Count - 1);
            return new ResolvedLink([.. position], FileKind.Directory, found, Name: null, OwnsHandle: true);
        }
        finally
        {
            StepOut(position, handles);
        }
    }

    private static void StepUp(List<string> position, List<SafeFileHandle> handles, string shown)
    {
        if (handles.Count == 0)
        {
            throw Outside(shown);
        }

        handles[^1].Dispose();
        handles.RemoveAt(handles.Count - 1);
        position.RemoveAt(position.Count - 1);
    }

    private static void StepOut(List<string> position, List<SafeFileHandle> handles)
    {
        handles.ForEach(handle => handle.Dispose());
        handles.Clear();
        position.Clear();
    }

    private static BadOutputException Outside(string shown) =>
        new($"{shown}, outside /pfs: copy what it links to into /pfs/out instead");

    /// <summary>Puts the steps of a target before those that are pending. Says whether they start at <c>/pfs</c>.</summary>
    private bool PushTarget(Stack<string> pending, byte[] target, string shown)
    {
        string text = OddNames.Text(target) ?? throw new BadOutputException($"{shown}, which is not UTF-8");
        bool absolute = text.StartsWith('/');
        if (absolute)
        {
            string prefix = names.FirstOrDefault(name =>
                text.StartsWith(name, StringComparison.Ordinal) && (text.Length == name.Length || text[name.Length] == '/'))
                ?? throw Outside(shown);
            text = text[prefix.Length..];
        }

        foreach (string step in text.Split('/').Reverse())
        {
            pending.Push(step);
        }

        return absolute;
    }
}

/// <summary>What a link leads to.</summary>
/// <param name="Path">Names below <c>/pfs</c>.</param>
/// <param name="Kind">What it is; never a link.</param>
/// <param name="Handle">The directory itself, or the one that holds the file.</param>
/// <param name="Name">Name of the file in it, <see langword="null"/> for a directory.</param>
/// <param name="OwnsHandle">Whether disposing this closes the handle.</param>
internal sealed record ResolvedLink(string[] Path, FileKind Kind, SafeFileHandle Handle, byte[]? Name, bool OwnsHandle) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        if (OwnsHandle)
        {
            Handle.Dispose();
        }
    }
}
