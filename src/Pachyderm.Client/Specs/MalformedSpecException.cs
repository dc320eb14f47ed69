using System.Globalization;

namespace Pachyderm.Client;

/// <summary>The text of a pipeline spec is none. The message is one line that begins as it does in 1.5, and tells the place.</summary>
/// <param name="problem">What is wrong.</param>
/// <param name="line">The line, from 1.</param>
/// <param name="column">The character in the line, from 1.</param>
/// <param name="inner">The failure underneath.</param>
public sealed class MalformedSpecException(string problem, int line, int column, Exception? inner = null)
    : FormatException(
        string.Create(CultureInfo.InvariantCulture, $"malformed pipeline spec: {problem} (line {line}, column {column})"), inner)
{
    /// <summary>The line, from 1.</summary>
    public int Line { get; } = line;

    /// <summary>The character in the line, from 1.</summary>
    public int Column { get; } = column;
}
