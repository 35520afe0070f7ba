"""
Globus: the questions that this tool asks, and what the answers mean. No other room imports the SDK.

client             every question: read this first
caller             one call, from any thread: what its failure means
sign_in, consent   the application signs in, and gives itself the consents that it may give
transport          time-outs, repeats and the rate limit
outage             the words for an answer that says to come back later
documents          their JSON -> our values                                pure
transfer_document  a pair -> their JSON                                    pure
error_text         the text of an error -> what it says                    pure
server_words       words of servers -> the code that says the same         pure
reasons            the table of reasons and fixes, by code                 pure
explain            an error and the pair -> the problem for a person       pure
"""
