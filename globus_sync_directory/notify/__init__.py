"""
What has changed since the last mail, and the mail about it.

changes   reports + records -> records: the news for each recipient   pure
mail      unsent news -> mail; records what was taken
message   news -> the bytes of one message
smtp      messages -> the mail server, within a time limit
"""
