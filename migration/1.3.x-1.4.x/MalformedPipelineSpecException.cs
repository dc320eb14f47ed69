using Pachyderm.Errors;

namespace Pachyderm.Migration.Specs;

/// <summary>The text is not a sequence of JSON objects, so no pipeline spec can be read from it.</summary>
/// <param name="line">Line of the defect, from 1.</param>
/// <param name="column">Column of the defect in characters, from 1.</param>
/// <param name="problem">What is wrong there, without a final full stop.</param>
/// <param name="inner">The failure underneath, if there is one.</param>
public sealed class MalformedPipelineSpecException(int line, int column, string problem, Exception? inner = null)
    : OperatorException(
        "malformed-pipeline-spec",
        "pipeline spec",
        $"line {line}, column {column}: {problem}",
        "correct the file; it holds one or more JSON objects, without comments",
        inner)
{
    /// <summary>Line of the defect, from 1.</summary>
    public int Line { get; } = line;

    /// <summary>Column of the defect in characters, from 1.</summary>
    public int Column { get; } = column;
}
