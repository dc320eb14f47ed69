namespace Pachyderm.Formats;

/// <summary>Where and why a value is not the text form of a message.</summary>
/// <param name="Offset">Offset in bytes, from 0, at which the trouble shows.</param>
/// <param name="Path">The fields that lead to it, such as <c>transform.env.key</c>; empty at the top of the record.</param>
/// <param name="Reason">What is wrong there.</param>
public readonly record struct TextError(int Offset, string Path, TextErrorReason Reason)
{
    /// <summary>One phrase for an error line, such as <c>byte 12, in transform.cmd: the text ends inside a string</c>.</summary>
    public override string ToString()
    {
        string what = Reason switch
        {
            TextErrorReason.None => "no error",
            TextErrorReason.UnknownField => "unknown field name",
            TextErrorReason.AlreadySet => "a field that can hold one value is given twice",
            TextErrorReason.ExpectedColon => "a colon is missing after the field name",
            TextErrorReason.ExpectedMessage => "a message in <> or {} is missing",
            TextErrorReason.ExpectedString => "a quoted string is missing",
            TextErrorReason.ExpectedValue => "a value is missing",
            TextErrorReason.ExpectedListEnd => "a list is neither continued nor closed",
            TextErrorReason.UnexpectedByte => "a byte that starts no field",
            TextErrorReason.UnterminatedString => "the text ends inside a string",
            TextErrorReason.UnterminatedMessage => "the text ends inside a message",
            TextErrorReason.BadEscape => "an unknown escape in a string",
            TextErrorReason.BadEnum => "an unknown enumeration name",
            TextErrorReason.BadBool => "not a boolean",
            TextErrorReason.BadNumber => "not a number",
            TextErrorReason.NumberOutOfRange => "a number that the field cannot hold",
            TextErrorReason.TooDeep => "messages are nested too deeply",
            _ => Reason.ToString(),
        };
        return string.IsNullOrEmpty(Path) ? $"byte {Offset}: {what}" : $"byte {Offset}, in {Path}: {what}";
    }
}
