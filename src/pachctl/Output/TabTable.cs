using System.Text;

namespace Pachyderm.Pachctl.Output;

/// <summary>
/// A table in the form that 1.5 prints, so that scripts which cut columns go on working: each column is as wide as its longest cell
/// and three spaces, at least 20, the last one too.
/// </summary>
/// <remarks>
/// Widths are taken from the first 4,096 rows, which a table of usual size does not exceed, so that a list of millions of rows is
/// printed while it arrives. A longer cell after that pushes its row to the right.
/// </remarks>
internal sealed class TabTable
{
    private const int MinimumWidth = 20;
    private const int UsualPadding = 3;
    private const int RowsAhead = 4096;

    private readonly TextWriter _output;
    private readonly int _padding;
    private readonly int[] _widths;
    private List<string[]>? _waiting;

    /// <summary>A table with the usual widths.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="header">Names of the columns.</param>
    public TabTable(TextWriter output, params string[] header)
        : this(output, MinimumWidth, UsualPadding, header)
    {
    }

    /// <summary>A table with the widths of its own that 1.5 gives it.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="minimumWidth">Least width of a column.</param>
    /// <param name="padding">Least number of spaces behind a cell.</param>
    /// <param name="header">Names of the columns.</param>
    public TabTable(TextWriter output, int minimumWidth, int padding, string[] header)
    {
        _output = output;
        _padding = padding;
        _widths = [.. header.Select(name => Math.Max(minimumWidth, name.Length + padding))];
        _waiting = [header];
    }

    /// <summary>Colours the last cell of each row, if that is wanted; escapes have no width only at the end of a line.</summary>
    public Func<string, string>? PaintLast { get; init; }

    /// <summary>Number of rows, not counting the header.</summary>
    public long Rows { get; private set; }

    /// <summary>Prints the header at once, and each row as soon as it is added.</summary>
    /// <param name="widths">Longest cell that is expected in each column; 0 where the usual width will do.</param>
    public TabTable Unbuffered(params int[] widths)
    {
        for (int column = 0; column < widths.Length; column++)
        {
            _widths[column] = Math.Max(_widths[column], widths[column] == 0 ? 0 : widths[column] + _padding);
        }

        Flush();
        _output.Flush();
        return this;
    }

    /// <summary>Adds a row with as many cells as the header.</summary>
    public void Add(params string[] cells)
    {
        Rows++;
        for (int column = 0; column < cells.Length; column++)
        {
            cells[column] = Printable.Text(cells[column]);
        }

        if (_waiting is null)
        {
            Write(cells);
            return;
        }

        for (int column = 0; column < cells.Length; column++)
        {
            _widths[column] = Math.Max(_widths[column], Length(cells[column]) + _padding);
        }

        _waiting.Add(cells);
        if (_waiting.Count > RowsAhead)
        {
            Flush();
        }
    }

    /// <summary>Prints what is still waiting, the header if nothing else.</summary>
    public void Flush()
    {
        foreach (string[] row in _waiting ?? [])
        {
            Write(row);
        }

        _waiting = null;
    }

    private static int Length(string cell) => cell.EnumerateRunes().Count();

    private void Write(string[] cells)
    {
        StringBuilder line = new();
        for (int column = 0; column < cells.Length; column++)
        {
            string text = column == cells.Length - 1 && PaintLast is not null ? PaintLast(cells[column]) : cells[column];
            line.Append(text).Append(' ', Math.Max(_padding, _widths[column] - Length(cells[column])));
        }

        _output.WriteLine(line);
    }
}
