using System.Text;

namespace Pachyderm.Workers.Scratch;

/// <summary>Turns paths of a commit into paths of this machine, below a directory and never beside it.</summary>
internal static class ScratchPath
{
    private const int LongestName = 255;

    /// <summary>The path of a file or directory below <paramref name="directory"/>.</summary>
    /// <exception cref="UnusableInputException">The path cannot exist on this machine.</exception>
    internal static string Combine(string directory, string path)
    {
        string relative = path.Trim('/');
        if (relative.Length == 0)
        {
            return directory;
        }

        foreach (Range range in relative.AsSpan().Split('/'))
        {
            ReadOnlySpan<char> name = relative.AsSpan()[range];
            if (name.Length == 0 || name is "." or ".." || name.Contains('\0'))
            {
                throw new UnusableInputException($"the input path {path} cannot be a file of this machine: it has a part that is no name");
            }

            if (name.Length * 3 > LongestName && Encoding.UTF8.GetByteCount(name) > LongestName)
            {
                throw new UnusableInputException(
                    $"the input path {path} cannot be a file of this machine: a name in it is longer than {LongestName} bytes");
            }
        }

        return $"{directory}/{relative}";
    }

    /// <summary>The name of an input, which becomes a directory of <c>/pfs</c>.</summary>
    /// <exception cref="UnusableInputException">The name cannot be one.</exception>
    internal static string CheckInputName(string name) =>
        name.Length is 0 or > 200 || name is "." or ".." or "out" || name.Contains('/', StringComparison.Ordinal) || name.Any(char.IsControl)
            ? throw new UnusableInputException($"\"{name}\" cannot be the name of an input")
            : name;
}

/// <summary>An input that no retry will make usable: the datum fails, and nothing is wrong with the machine.</summary>
internal sealed class UnusableInputException(string message) : Exception(message);
