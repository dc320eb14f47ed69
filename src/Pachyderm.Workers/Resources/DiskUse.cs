using System.IO.Enumeration;

namespace Pachyderm.Workers.Resources;

/// <summary>What a command has written to disk.</summary>
internal static class DiskUse
{
    private const long BytesPerEntry = 1024;

    private static readonly EnumerationOptions Everything =
        new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = true };

    /// <summary>The reason for a datum that wrote more than it may.</summary>
    internal static string Exceeded(long most) =>
        $"it wrote more than {most} bytes to /pfs/out and its temporary directories";

    /// <summary>What the entries of a directory count. User code may change them meanwhile: what cannot be looked at counts nothing.</summary>
    internal static long Measure(string directory, CancellationToken cancellationToken)
    {
        using SizeEnumerator sizes = new(directory);
        long sum = 0;
        while (sizes.MoveNext())
        {
            cancellationToken.ThrowIfCancellationRequested();
            sum += sizes.Current;
        }

        return sum;
    }

    private sealed class SizeEnumerator(string directory) : FileSystemEnumerator<long>(directory, Everything)
    {
        protected override long TransformEntry(ref FileSystemEntry entry) => (entry.IsDirectory ? 0 : entry.Length) + BytesPerEntry;

        protected override bool ShouldRecurseIntoEntry(ref FileSystemEntry entry) =>
            !entry.Attributes.HasFlag(FileAttributes.ReparsePoint);

        protected override bool ContinueOnError(int error) => true;
    }
}
